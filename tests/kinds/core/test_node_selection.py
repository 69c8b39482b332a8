"""Which nodes a pod may run on by its own words."""

from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core import node_selection
from steersman.kinds.types.core_v1 import Node, PodSpec, Taint, Toleration

NODE, _ = codec.from_builtins(Node, {"metadata": {"name": "n1", "labels": {"zone": "a", "size": "4"}}})


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    selector = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def label(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def name(operator: str, *values: str) -> dict[str, Any]:
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, True),
        ({"nodeName": "n1"}, True),
        ({"nodeName": "n2"}, False),
        ({"nodeSelector": {"zone": "a"}}, True),
        ({"nodeSelector": {"zone": "b"}}, False),
        (required(label("zone", "In", "a", "b")), True),
        (required(label("zone", "NotIn", "a")), False),
        (required(label("other", "NotIn", "a")), True),
        (required(label("zone", "Exists")), True),
        (required(label("zone", "DoesNotExist")), False),
        (required(label("size", "Gt", "3")), True),
        (required(label("size", "Lt", "3")), False),
        (required(label("zone", "Gt", "3")), False),
        (required(name("In", "n1")), True),
        (required(name("NotIn", "n1")), False),
        (required({}), False),
        (required(label("zone", "In", "b"), name("In", "n1")), True),
        (required({**label("zone", "In", "b"), **name("In", "n1")}), False),
    ],
)
def test_wants(spec: dict[str, Any], expected: bool) -> None:
    made, _ = codec.from_builtins(PodSpec, {"containers": [], **spec})
    assert node_selection.wants(made, NODE) is expected
    assert node_selection.selects(made, NODE) is (expected or made.nodeName == "n2")


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "k", "value": "3"}, True),
        ({"key": "k", "value": "4"}, False),
        ({"key": "j", "operator": "Exists"}, False),
        ({"value": "3"}, False),
        ({"key": "k", "operator": "Gt", "value": "2"}, True),
        ({"key": "k", "operator": "Lt", "value": "2"}, False),
        ({"key": "k", "operator": "Unknown", "value": "3"}, False),
    ],
)
def test_tolerates(toleration: dict[str, Any], expected: bool) -> None:
    taint = Taint(key="k", value="3", effect="NoExecute")
    made, _ = codec.from_builtins(Toleration, toleration)
    assert node_selection.tolerates(made, taint) is expected
    assert node_selection.untolerated([taint], [made], "NoExecute") is not expected
    assert not node_selection.untolerated([taint], [], "NoSchedule")
