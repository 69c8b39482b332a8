"""What a pod as a whole requests and may use."""

from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core import pod_resources
from steersman.kinds.types.core_v1 import Pod


def container(cpu: str, **fields: Any) -> dict[str, Any]:
    return {"name": fields.pop("name", "c"), "image": "x", "resources": {"requests": {"cpu": cpu}}, **fields}


def pod(containers: Any, init: Any = (), status: Any = None, **spec: Any) -> Pod:
    body = {"spec": {"containers": containers, "initContainers": list(init), **spec}, "status": status or {}}
    return codec.from_builtins(Pod, body)[0]


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("obj", "cpu"),
    [
        (pod([container("1"), container("500m")]), "1500m"),
        (pod([container("1")], [container("3")]), "3"),
        (pod([container("1")], [container("3"), container("2")]), "3"),
        (pod([container("1")], [container("2", **SIDECAR)]), "3"),
        # Initialization runs beside the sidecars that were started before it.
        (pod([container("1")], [container("2", **SIDECAR), container("5")]), "7"),
        (pod([container("1")], [container("5"), container("2", **SIDECAR)]), "5"),
        (pod([container("1")], resources={"requests": {"cpu": "4"}}), "4"),
    ],
)
def test_requests(obj: Pod, cpu: str) -> None:
    assert pod_resources.requests(obj) == {"cpu": cpu}


@pytest.mark.parametrize(
    ("status", "conditions", "cpu"),
    [
        ({"resources": {"requests": {"cpu": "2"}}}, (), "2"),
        ({"resources": {"requests": {"cpu": "500m"}}}, (), "1"),
        ({"allocatedResources": {"cpu": "3"}}, (), "3"),
        (
            {"resources": {"requests": {"cpu": "500m"}}},
            ({"type": "PodResizePending", "status": "True", "reason": "Infeasible"},),
            "500m",
        ),
    ],
)
def test_resizes_count_with_the_greater(status: Any, conditions: Any, cpu: str) -> None:
    known = {"name": "c", "image": "x", "imageID": "x", "ready": True, "restartCount": 0, **status}
    obj = pod([container("1")], status={"containerStatuses": [known], "conditions": list(conditions)})
    assert pod_resources.requests(obj, live=True) == {"cpu": cpu}
    assert pod_resources.requests(obj) == {"cpu": "1"}


def test_overhead() -> None:
    obj = pod([container("1")], overhead={"cpu": "100m", "memory": "1Mi"})
    assert pod_resources.with_overhead(obj, {"cpu": "1"}) == {"cpu": "1100m", "memory": "1Mi"}
    assert pod_resources.with_overhead(obj, {"cpu": "1"}, limit=True) == {"cpu": "1100m"}
    assert pod_resources.limits(obj) == {}


HUGE = {"limits": {"hugepages-2Mi": "2Mi"}, "requests": {"hugepages-2Mi": "2Mi"}}


@pytest.mark.parametrize(
    ("containers", "whole", "requests", "limits"),
    [
        ([container("1")], {"requests": {"memory": "1Gi"}}, {"cpu": "1", "memory": "1Gi"}, None),
        ([container("1")], {"limits": {"cpu": "2"}}, {"cpu": "1"}, {"cpu": "2"}),
        ([{"name": "c", "image": "x"}], {"limits": {"cpu": "2"}}, {"cpu": "2"}, {"cpu": "2"}),
        (
            [{**container("1"), "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}}}],
            {"requests": {"cpu": "2"}},
            {"cpu": "2"},
            {"cpu": "3"},
        ),
        (
            [{**container("1"), "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}}}],
            {"requests": {"cpu": "4"}},
            {"cpu": "4"},
            {"cpu": "4"},
        ),
        (
            [{**container("1"), "resources": HUGE}],
            {"requests": {"cpu": "4"}},
            {"cpu": "4", "hugepages-2Mi": "2Mi"},
            {"hugepages-2Mi": "2Mi"},
        ),
        ([container("1")], {}, None, None),
    ],
)
def test_what_a_pod_does_not_say(containers: Any, whole: Any, requests: Any, limits: Any) -> None:
    obj = pod(containers, resources=whole)
    pod_resources.default_pod_level(obj.spec)
    assert obj.spec.resources is not None
    assert (obj.spec.resources.requests, obj.spec.resources.limits) == (requests, limits)
