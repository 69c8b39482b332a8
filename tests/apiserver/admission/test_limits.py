"""LimitRanges as a client meets them."""

from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api

RANGES = "/api/v1/namespaces/default/limitranges"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


def pod(requests: Any = None, limits: Any = None, name: str = "p", init: Any = None) -> dict[str, Any]:
    resources = {k: v for k, v in (("requests", requests), ("limits", limits)) if v is not None}
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "x", "resources": resources}]}
    if init is not None:
        spec["initContainers"] = [{"name": "i", "image": "x", "resources": {"requests": init}}]
    return {"metadata": {"name": name}, "spec": spec}


async def limit(api: Api, *items: dict[str, Any], name: str = "l") -> None:
    await api.post(RANGES, {"metadata": {"name": name}, "spec": {"limits": list(items)}})


def resources(made: dict[str, Any]) -> Any:
    return made["spec"]["containers"][0]["resources"]


DEFAULTS = {
    "type": "Container",
    "min": {"cpu": "50m", "memory": "100Mi"},
    "max": {"cpu": "500m", "memory": "500Mi"},
    "default": {"cpu": "300m", "memory": "300Mi"},
    "defaultRequest": {"cpu": "100m", "memory": "200Mi"},
}


async def test_defaults_are_applied(api: Api) -> None:
    await limit(api, DEFAULTS)
    made = await api.post(PODS, pod())
    expected = {"requests": DEFAULTS["defaultRequest"], "limits": DEFAULTS["default"]}
    assert resources(made) == expected
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
    )


async def test_what_a_pod_says_itself_is_kept(api: Api) -> None:
    """Of upstream's scheduling/limit_range.go: a pod with partial requirements gets the rest."""
    await limit(api, DEFAULTS)
    made = await api.post(PODS, pod({"cpu": "150m", "memory": "150Mi"}, {"cpu": "300m"}, init={"cpu": "60m"}))
    assert resources(made) == {
        "requests": {"cpu": "150m", "memory": "150Mi"},
        "limits": {"cpu": "300m", "memory": "300Mi"},
    }
    init = made["spec"]["initContainers"][0]["resources"]
    assert init == {"requests": {"cpu": "60m", "memory": "200Mi"}, "limits": DEFAULTS["default"]}
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: memory limit for container c; "
        "memory request for init container i; cpu, memory limit for init container i"
    )


NOTHING_SAID = [
    ({"min": {"cpu": "100m"}}, {}, None, "minimum cpu usage per Pod is 100m.  No request is specified"),
    ({"max": {"cpu": "1"}}, {"cpu": "1"}, {}, "maximum cpu usage per Pod is 1.  No limit is specified"),
    (
        {"maxLimitRequestRatio": {"cpu": "2"}},
        {},
        {},
        "cpu max limit to request ratio per Pod is 2, but no request is specified or request is 0",
    ),
    (
        {"maxLimitRequestRatio": {"cpu": "2"}},
        {"cpu": "1"},
        {},
        "cpu max limit to request ratio per Pod is 2, but no limit is specified or limit is 0",
    ),
]
BROKEN = [
    ({"min": {"cpu": "100m"}}, {"cpu": "50m"}, None, "minimum cpu usage per {} is 100m, but request is 50m"),
    ({"max": {"cpu": "1"}}, {"cpu": "1"}, {"cpu": "2"}, "maximum cpu usage per {} is 1, but limit is 2"),
    (
        {"maxLimitRequestRatio": {"cpu": "2"}},
        {"cpu": "1"},
        {"cpu": "3"},
        "cpu max limit to request ratio per {} is 2, but provided ratio is 3.000000",
    ),
]


@pytest.mark.parametrize(
    ("kind", "item", "requests", "limits", "why"),
    # Of containers, whatever is bounded has a default too.
    [("Pod", *case) for case in NOTHING_SAID + BROKEN] + [("Container", *case) for case in BROKEN],
)
async def test_bounds(api: Api, kind: str, item: dict[str, Any], requests: Any, limits: Any, why: str) -> None:
    await limit(api, {"type": kind, **item})
    answer = await api.post(PODS, pod(requests, limits), code=403)
    assert answer["message"] == f'pods "p" is forbidden: {why.format(kind)}'
    assert answer["reason"] == "Forbidden"


async def test_several_faults(api: Api) -> None:
    await limit(api, {"type": "Pod", "min": {"cpu": "1", "memory": "1Gi"}})
    answer = await api.post(PODS, pod({"cpu": "100m", "memory": "1Mi"}, init={"cpu": "200m"}), code=403)
    assert answer["message"] == (
        'pods "p" is forbidden: [minimum cpu usage per Pod is 1, but request is 200m, '
        "minimum memory usage per Pod is 1Gi, but request is 1Mi]"
    )


async def test_a_changed_limit_range_takes_effect(api: Api) -> None:
    await limit(api, {"type": "Container", "min": {"cpu": "100m"}})
    await api.post(PODS, pod({"cpu": "50m"}), code=403)
    await api.patch(f"{RANGES}/l", {"spec": {"limits": [{"type": "Container", "min": {"cpu": "10m"}}]}})
    await api.post(PODS, pod({"cpu": "50m"}))
    # A pod's own update is not judged again.
    await api.patch(f"{RANGES}/l", {"spec": {"limits": [{"type": "Container", "min": {"cpu": "2"}}]}})
    await api.patch(f"{PODS}/p", {"metadata": {"labels": {"a": "b"}}})
    await api.delete(f"{RANGES}/l")
    await api.post(PODS, pod({"cpu": "1m"}, name="q"))


async def test_resizes_are_judged(api: Api) -> None:
    await limit(api, {"type": "Container", "max": {"cpu": "1"}})
    await api.post(PODS, pod({"cpu": "1"}, {"cpu": "1"}))
    resources = {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}
    body = {"spec": {"containers": [{"name": "c", "resources": resources}]}}
    answer = await api.patch(f"{PODS}/p/resize", body, "strategic-merge-patch+json", code=403)
    assert "maximum cpu usage per Container is 1, but limit is 2" in answer["message"]


@pytest.mark.parametrize(
    ("storage", "why"),
    [
        ("1Gi", "minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi"),
        ("9Gi", "maximum storage usage per PersistentVolumeClaim is 8Gi, but request is 9Gi"),
        ("3Gi", ""),
    ],
)
async def test_claims(api: Api, storage: str, why: str) -> None:
    await limit(api, {"type": "PersistentVolumeClaim", "min": {"storage": "2Gi"}, "max": {"storage": "8Gi"}})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    answer = await api.post(CLAIMS, {"metadata": {"name": "v"}, "spec": spec}, code=403 if why else 201)
    if why:
        assert answer["message"] == f'persistentvolumeclaims "v" is forbidden: {why}'


async def test_a_pods_own_resources_and_sidecars(api: Api) -> None:
    await limit(api, {"type": "Pod", "max": {"cpu": "1"}})
    own = pod({"cpu": "100m"}, {"cpu": "100m"})
    own["spec"]["resources"] = {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}
    answer = await api.post(PODS, own, code=403)
    assert answer["message"].endswith("maximum cpu usage per Pod is 1, but limit is 2")
    half = {"requests": {"cpu": "600m"}, "limits": {"cpu": "600m"}}
    sidecar = {"name": "s", "image": "x", "restartPolicy": "Always", "resources": half}
    both = pod({"cpu": "600m"}, {"cpu": "600m"})
    both["spec"]["initContainers"] = [sidecar]
    answer = await api.post(PODS, both, code=403)
    assert answer["message"].endswith("maximum cpu usage per Pod is 1, but limit is 1200m")
    # What only initializes is over when the containers run.
    del sidecar["restartPolicy"]
    await api.post(PODS, both)
