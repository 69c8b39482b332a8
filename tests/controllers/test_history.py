"""ControllerRevisions: what they keep, and which may go."""

import json

import pytest

from steersman.api import codec
from steersman.controllers.history import data_of, in_order, surplus, template_of
from steersman.kinds.types.apps_v1 import ControllerRevision
from steersman.kinds.types.core_v1 import PodTemplateSpec
from steersman.kinds.types.meta_v1 import ObjectMeta

TEMPLATE, _ = codec.from_builtins(
    PodTemplateSpec,
    {"spec": {"containers": [{"name": "c", "image": "web:1"}]}, "metadata": {"labels": {"b": "1", "a": "2"}}},
)


def test_data_is_written_as_go_writes_it():
    assert json.dumps(data_of(TEMPLATE), separators=(",", ":")) == (
        '{"spec":{"template":{"$patch":"replace","metadata":{"creationTimestamp":null,"labels":{"a":"2","b":"1"}},'
        '"spec":{"containers":[{"image":"web:1","name":"c","resources":{}}]}}}}'
    )


def test_the_template_comes_back():
    found = template_of(ControllerRevision(data=data_of(TEMPLATE)))
    assert data_of(found) == data_of(TEMPLATE)
    assert found.metadata == TEMPLATE.metadata


def revision(number):
    return ControllerRevision(metadata=ObjectMeta(name=f"r{number}"), revision=number)


@pytest.mark.parametrize(
    ("limit", "live", "count_live", "gone"),
    [
        (2, (), True, ["r1", "r2"]),
        (2, ("r1",), True, ["r2", "r3"]),
        (2, ("r1",), False, ["r2"]),
        (None, (), True, []),
        (0, ("r1", "r2", "r3", "r4"), True, []),
        (0, (), False, ["r1", "r2", "r3", "r4"]),
    ],
)
def test_the_oldest_go(limit, live, count_live, gone):
    old = [revision(n) for n in (3, 1, 4, 2)]
    found = surplus(old, limit, lambda r: r.metadata.name in live, count_live=count_live)
    assert [r.metadata.name for r in found] == gone
    assert [r.revision for r in in_order(old)] == [1, 2, 3, 4]
