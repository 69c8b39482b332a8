"""Objects of the API's classes, lazily computed variables, and the literals of mutations."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from steersman import cel
from steersman.cel.admission import JSON_PATCH, MUTATION_OBJECTS, NAMESPACE, REQUEST
from steersman.kinds.types.core_v1 import Container, ObjectMeta, Pod, PodSpec

POD = Pod(
    metadata=ObjectMeta(name="web", labels={"app": "web"}, namespace="default"),
    spec=PodSpec(containers=[Container(name="a", image="img:1"), Container(name="b", image="other:2")]),
)
ENV = cel.Env({"object": cel.DYN, "oldObject": cel.DYN, "request": REQUEST, "namespaceObject": NAMESPACE})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("object.metadata.name", "web"),
        ("object.kind", "Pod"),
        ("object.metadata.labels['app'] == 'web' && 'app' in object.metadata.labels", True),
        ("object.spec.containers.all(c, c.image.startsWith('img:'))", False),
        ("object.spec.containers.map(c, c.name)", ["a", "b"]),
        ("has(object.spec.nodeName) || has(object.metadata.annotations)", False),
        ("has(object.spec.containers)", True),
        ("object.spec.?nodeName.orValue('none')", "none"),
        ("object == oldObject", True),
        ("object.spec.containers[0] == object.spec.containers[1]", False),
        ("'containers' in object.spec && size(object.metadata) == 3", True),
        ("object.metadata.all(k, k != 'annotations')", True),
        ("request.operation == 'UPDATE' && request.userInfo.groups.exists(g, g == 'dev')", True),
        ("namespaceObject.metadata.labels.env", "prod"),
    ],
)
def test_objects_are_read_without_copying(text: str, expected: object) -> None:
    values = {
        "object": POD,
        "oldObject": POD,
        "request": {"operation": "UPDATE", "userInfo": {"groups": ["dev"]}},
        "namespaceObject": {"metadata": {"labels": {"env": "prod"}}},
    }
    assert ENV.compile(text).evaluate(values) == expected


@pytest.mark.parametrize("name", ["nodeName", "nosuch"])
def test_a_field_that_is_not_set_is_no_key(name: str) -> None:
    with pytest.raises(cel.EvalError, match=f"no such key: {name}"):
        ENV.compile(f"object.spec.{name} == 'x'").evaluate({"object": POD})


def test_an_object_equals_its_json() -> None:
    program = ENV.compile("object.metadata == oldObject")
    assert program.evaluate(
        {"object": POD, "oldObject": {"name": "web", "labels": {"app": "web"}, "namespace": "default"}}
    )


class Lazy(Mapping[str, Any]):
    """Computes a variable when it is first read."""

    def __init__(self, programs: dict[str, cel.Program]) -> None:
        self.programs = programs
        self.known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.known:
            self.known[name] = self.programs[name].measure({"object": POD})[0]
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.programs)

    def __len__(self) -> int:
        return len(self.programs)


def test_variables_are_computed_when_they_are_read() -> None:
    lazy = Lazy({"count": ENV.compile("object.spec.containers.size()"), "bad": ENV.compile("object.nosuch")})
    env = ENV.extended(variables=cel.map_of(cel.STRING, cel.DYN))
    assert env.compile("variables.count == 2").evaluate({"variables": lazy}) is True
    assert lazy.known == {"count": 2}
    assert env.compile("variables.bad == 1 || true").evaluate({"variables": lazy}) is True


MUTATION = cel.Env({"object": cel.DYN}, cel.MUTATION, MUTATION_OBJECTS)


def test_patches() -> None:
    text = (
        "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: {'x': [1]}},"
        " JSONPatch{op: 'move', `from`: '/a', path: '/b'}]"
    )
    program = MUTATION.compile(text, cel.list_of(JSON_PATCH))
    assert program.evaluate({"object": POD}) == [
        {"op": "add", "path": "/metadata/labels/a~1b", "value": {"x": [1]}},
        {"op": "move", "from": "/a", "path": "/b"},
    ]


def test_apply_configurations() -> None:
    text = "Object{spec: Object.spec{?replicas: optional.none(), template: Object.spec.template{name: object.metadata.name}}}"
    assert MUTATION.compile(text).evaluate({"object": POD}) == {"spec": {"template": {"name": "web"}}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("JSONPatch{nosuch: 1}", "undefined field 'nosuch'"),
        ("JSONPatch{op: 1}", "expected type of field 'op' is 'string' but provided type is 'int'"),
    ],
)
def test_literals_that_are_no_such_object(text: str, message: str) -> None:
    with pytest.raises(cel.CompileError, match=message):
        MUTATION.compile(text)
