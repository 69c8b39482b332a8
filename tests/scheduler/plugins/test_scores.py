"""Which nodes each plugin likes better: upstream's figures."""

import pytest
from tests.scheduler.builders import info, node, pod, scores, taint

from steersman.scheduler.plugins import (
    node_affinity,
    node_resources_balanced_allocation,
    node_resources_fit,
    taint_toleration,
)

SOFT = "PreferNoSchedule"


@pytest.mark.parametrize(
    ("nodes", "tolerations", "expected"),
    [
        ({"a": [], "b": []}, [], {"a": 100, "b": 100}),
        ({"a": [taint(effect=SOFT)], "b": []}, [], {"a": 0, "b": 100}),
        ({"a": [taint("x", effect=SOFT), taint("y", effect=SOFT)], "b": [taint("x", effect=SOFT)], "c": []}, [],
         {"a": 0, "b": 50, "c": 100}),
        ({"a": [taint(effect=SOFT)], "b": []}, [{"key": "k", "operator": "Exists", "effect": SOFT}], {"a": 100, "b": 100}),
        ({"a": [taint(effect=SOFT)], "b": []}, [{"operator": "Exists"}], {"a": 100, "b": 100}),
        # A toleration of another effect does not help, and hard taints are the filter's business.
        ({"a": [taint(effect=SOFT)], "b": []}, [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}], {"a": 0, "b": 100}),
        ({"a": [taint()], "b": []}, [], {"a": 100, "b": 100}),
    ],
)  # fmt: skip
def test_taint_toleration(nodes, tolerations, expected):
    made = [node(name, taints=taints) for name, taints in nodes.items()]
    assert scores(taint_toleration.PLUGIN, info(tolerations=tolerations), made) == expected


def preferred(*weighted):
    terms = [
        {"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]} if key else {}}
        for weight, key in weighted
    ]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("weighted", "expected"),
    [
        ([], {"a": 0, "b": 0, "c": 0}),
        ([(10, "x")], {"a": 100, "b": 100, "c": 0}),
        ([(10, "x"), (5, "y")], {"a": 100, "b": 66, "c": 0}),
        ([(1, "z")], {"a": 0, "b": 0, "c": 0}),
        ([(100, ""), (1, "y")], {"a": 100, "b": 0, "c": 0}),
    ],
)
def test_node_affinity(weighted, expected):
    nodes = [node("a", labels={"x": "", "y": ""}), node("b", labels={"x": ""}), node("c")]
    assert scores(node_affinity.PLUGIN, info(affinity=preferred(*weighted)), nodes) == expected


@pytest.mark.parametrize(
    ("requests", "running", "expected"),
    [
        # 100m of 4000m and 200Mi of 8Gi by default: (97 + 97) / 2.
        ({}, {}, 97),
        ({"cpu": "3", "memory": "5Gi"}, {}, (25 + 37) // 2),
        ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"}, (50 + 75) // 2),
        ({"cpu": "4", "memory": "8Gi"}, {}, 0),
        ({"cpu": "5", "memory": "4Gi"}, {}, (0 + 50) // 2),
    ],
)
def test_least_allocated(requests, running, expected):
    others = [pod(node="a", requests=running)] if running else []
    assert scores(node_resources_fit.PLUGIN, info(requests=requests), [node("a")], others) == {"a": expected}


def test_least_allocated_ignores_what_a_node_does_not_have():
    assert scores(node_resources_fit.PLUGIN, info(requests={"cpu": "1"}), [node("a", memory=None)]) == {"a": 75}
    assert scores(node_resources_fit.PLUGIN, info(), [node("a", cpu=None, memory=None)]) == {"a": 0}


@pytest.mark.parametrize(
    ("requests", "running", "expected"),
    [
        ({"cpu": "1", "memory": "2Gi"}, {}, 100),
        ({"cpu": "4"}, {}, 50),
        ({"cpu": "3", "memory": "4Gi"}, {}, 87),
        ({"cpu": "1"}, {"memory": "2Gi"}, 100),
        # More than there is counts as all there is.
        ({"cpu": "9", "memory": "8Gi"}, {}, 100),
        # A pod that asks for nothing is not judged.
        ({}, {"cpu": "4"}, 0),
    ],
)
def test_balanced_allocation(requests, running, expected):
    others = [pod(node="a", requests=running)] if running else []
    found = scores(node_resources_balanced_allocation.PLUGIN, info(requests=requests), [node("a")], others)
    assert found == {"a": expected}


def test_balanced_allocation_of_a_node_with_one_resource():
    nodes = [node("a", memory=None)]
    assert scores(node_resources_balanced_allocation.PLUGIN, info(requests={"cpu": "1"}), nodes) == {"a": 100}
