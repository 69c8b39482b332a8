"""What expressions of mutations do to plain values."""

from __future__ import annotations

from typing import Any

import pytest

from steersman import cel
from steersman.api.typed import schema_of
from steersman.apiserver.policies import patches
from steersman.kinds.admissionregistration.expressions import environment
from steersman.kinds.types.apps_v1 import Deployment

NODE = schema_of(Deployment)
HEAD = {"kind": "Deployment", "apiVersion": "apps/v1"}


def deployment(*containers: dict[str, Any], replicas: int = 1, **pod: Any) -> dict[str, Any]:
    template = {"spec": {"containers": list(containers), **pod}}
    return {**HEAD, "metadata": {"name": "d"}, "spec": {"replicas": replicas, "template": template}}


def value(text: str, before: dict[str, Any]) -> Any:
    return environment(mutation=True).compile(text).measure({"object": before, "oldObject": None})[0]


def applied(text: str, before: dict[str, Any]) -> Any:
    return patches.apply_configuration(NODE, before, value(text, before))


def in_pod(text: str) -> str:
    inner = text.replace("$", "Object.spec.template.spec")
    return (
        f"Object{{spec: Object.spec{{template: Object.spec.template{{spec: Object.spec.template.spec{{{inner}}}}}}}}}"
    )


NGINX = {"name": "nginx"}


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        (in_pod('volumes: [$.volumes{name: "y"}]'), deployment(volumes=[{"name": "x"}]),
         deployment(volumes=[{"name": "x"}, {"name": "y"}])),
        (in_pod('volumes: [$.volumes{name: "y", hostPath: $.volumes.hostPath{path: "a"}}]'),
         deployment(volumes=[{"name": "x"}, {"name": "y"}]),
         deployment(volumes=[{"name": "x"}, {"name": "y", "hostPath": {"path": "a"}}])),
        ("Object{spec: Object.spec{replicas: object.spec.replicas % 2 == 0 ? object.spec.replicas + 1 : 7}}",
         deployment(replicas=2), deployment(replicas=3)),
        ("Object{spec: Object.spec{replicas: 3}}",
         deployment({**NGINX, "env": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}),
         deployment({**NGINX, "env": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, replicas=3)),
        (in_pod('containers: [$.containers{name: "nginx", env: [$.containers.env{name: "a", value: "3"}]}]'),
         deployment({**NGINX, "env": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}, {"name": "b"}]}),
         deployment({**NGINX, "env": [{"name": "a", "value": "3"}, {"name": "b"}]})),
        (in_pod('containers: [$.containers{name: "x", resources: $.containers.resources{limits: {"cpu": "1"}},'
                " ports: [$.containers.ports{containerPort: 80}]}]"),
         deployment(NGINX),
         deployment({"name": "x", "resources": {"limits": {"cpu": "1"}}, "ports": [{"containerPort": 80}]}, NGINX)),
    ],
)  # fmt: skip
def test_apply(text: str, before: dict[str, Any], expected: dict[str, Any]) -> None:
    found = applied(text, before)

    def by_name(spec: dict[str, Any]) -> Any:
        pod = spec["spec"]["template"]["spec"]
        return {**spec["spec"], "template": {k: {i["name"]: i for i in v} for k, v in pod.items()}}

    assert by_name(found) == by_name(expected)


START = "error applying patch: "


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"l": "v"}}}}',
         f"{START}invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector"),
        ("Object{spec: Object.specx{replicas: 1}}",
         'type mismatch: unexpected type name "Object.specx", expected "Object.spec", which matches field name path from '
         "root Object type"),
        ("Object{spec: Object.spec{replicasx: 1}}",
         f"{START}failed to convert patch object to typed object: .spec.replicasx: field not declared in schema"),
        (in_pod('containers: [$.containers{name: "a"}, $.containers{name: "a"}]'),
         f"{START}failed to convert patch object to typed object: .spec.template.spec.containers: duplicate entries for key "
         '[name="a"]'),
    ],
)  # fmt: skip
def test_what_cannot_be_applied(text: str, why: str) -> None:
    with pytest.raises(patches.Unpatchable) as error:
        applied(text, deployment())
    assert str(error.value) == why


POD = "/spec/template/spec"


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        ('[JSONPatch{op: "test", path: "/spec/replicas", value: 100}, JSONPatch{op: "remove", path: "/spec"}]',
         deployment(), deployment()),
        ('[JSONPatch{op: "test", path: "/spec/replicas", value: 1}, JSONPatch{op: "replace", path: "/spec/replicas", value: 3}]',
         deployment(), deployment(replicas=3)),
        (f'[JSONPatch{{op: "remove", path: "{POD}/containers/0"}}]', deployment(NGINX, {"name": "b"}),
         deployment({"name": "b"})),
        (f'[JSONPatch{{op: "copy", from: "{POD}/containers/0", path: "{POD}/containers/-"}}]',
         deployment(NGINX, {"name": "b"}), deployment(NGINX, {"name": "b"}, NGINX)),
        (f'[JSONPatch{{op: "move", from: "{POD}/containers/0", path: "{POD}/containers/-"}}]',
         deployment(NGINX, {"name": "b"}), deployment({"name": "b"}, NGINX)),
        (f'[JSONPatch{{op: "add", path: "{POD}/containers/-", value: Object.spec.template.spec.containers{{name: "x", '
         "ports: [Object.spec.template.spec.containers.ports{containerPort: 8080}]}}]",
         deployment(), deployment({"name": "x", "ports": [{"containerPort": 8080}]})),
        (f'[JSONPatch{{op: "replace", path: "{POD}/volumes", value: [{{"name": "v"}}]}}]', deployment(),
         deployment(volumes=[{"name": "v"}])),
        (f'[JSONPatch{{op: "add", path: "{POD}/containers", value: object.spec.template.spec.containers + '
         "[object.spec.template.spec.containers[0]]}]", deployment(NGINX), deployment(NGINX, NGINX)),
        ('[JSONPatch{op: "add", path: "/spec/replicas", value: string(JSONPatch{op: "a"} == JSONPatch{op: "b"}) == "false" '
         '&& JSONPatch{value: 1} != JSONPatch{value: "1"} && !has(JSONPatch{}.op) ? 4 : 5}]',
         deployment(), deployment(replicas=4)),
    ],
)  # fmt: skip
def test_patch(text: str, before: dict[str, Any], expected: dict[str, Any]) -> None:
    assert patches.json_patch(before, value(text, before)) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'[JSONPatch{{op: "replace", path: "{POD}/containers/-", value: {{"name": "x"}}}}]',
         f"JSON Patch: replace operation does not apply: doc is missing key: {POD}/containers/-: missing value"),
        ('[JSONPatch{op: "add", path: "/x", value: Object.a{b: Object.c{}}}]',
         'type mismatch: unexpected type name "Object.c", expected "Object.a.b", which matches field name path from root '
         "Object type"),
        ('[JSONPatch{op: "add", path: "/x", value: [quantity("1")]}]',
         "JSONPath valueExpression evaluated to a type that could not marshal to JSON: unsupported conversion of "
         "kubernetes.Quantity"),
        ('[JSONPatch{op: "jump", path: "/x"}]', "JSON Patch: Unexpected kind: jump"),
    ],
)  # fmt: skip
def test_what_cannot_be_patched(text: str, why: str) -> None:
    with pytest.raises(patches.Unpatchable) as error:
        patches.json_patch(deployment(), value(text, deployment()))
    assert str(error.value) == why


def test_types() -> None:
    env = environment(mutation=True)
    assert str(env.compile("Object.spec.metadata{}").result) == "Object.spec.metadata"
    assert str(env.compile("true ? [JSONPatch{}] : []").result) == "list(JSONPatch)"
    with pytest.raises(cel.CompileError):
        environment().compile("Object{}")
