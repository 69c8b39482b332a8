"""How objects count against quotas."""

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core import quota_usage
from steersman.kinds.types.core_v1 import PersistentVolumeClaim, Pod, ResourceQuota, Service

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def build(type_: Any, **fields: Any) -> Any:
    return codec.from_builtins(type_, {"metadata": {"name": "a", **fields.pop("meta", {})}, **fields})[0]


def pod(*containers: dict[str, Any], status: Any = None, meta: Any = None, **spec: Any) -> Pod:
    found = [{"name": f"c{i}", "image": "x", "resources": r} for i, r in enumerate(containers or ({},))]
    return build(Pod, spec={"containers": found, **spec}, status=status or {}, meta=meta or {})


def used(plural: str, obj: Any, group: str = "") -> dict[str, Any]:
    meter = quota_usage.meter(group, plural)
    assert meter is not None
    return meter.usage(obj, NOW)


ASKING = {"requests": {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "4Mi", "x.io/gpu": "1"}, "limits": {"cpu": "2"}}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (pod(), {"pods": "1"}),
        (
            pod(ASKING),
            {
                "pods": "1", "cpu": "1", "requests.cpu": "1", "limits.cpu": "2", "memory": "1Gi", "requests.memory": "1Gi",
                "hugepages-2Mi": "4Mi", "requests.hugepages-2Mi": "4Mi", "requests.x.io/gpu": "1",
            },
        ),
        (pod(ASKING, status={"phase": "Succeeded"}), {}),
        (pod(status={"phase": "Failed"}), {}),
        (pod(meta={"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}), {"pods": "1"}),
        (pod(meta={"deletionTimestamp": "2025-12-31T23:59:00Z", "deletionGracePeriodSeconds": 30}), {}),
        (
            pod({"requests": {"cpu": "1"}}, overhead={"cpu": "100m"}),
            {"pods": "1", "cpu": "1100m", "requests.cpu": "1100m"},
        ),
    ],
)  # fmt: skip
def test_pods(obj: Pod, expected: dict[str, str]) -> None:
    assert used("pods", obj) == {"count/pods": "1", **expected}


@pytest.mark.parametrize(
    ("spec", "node_ports", "balancers"),
    [
        ({"ports": [{"port": 1}]}, "0", "0"),
        ({"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}, "2", "0"),
        ({"type": "LoadBalancer", "ports": [{"port": 1}]}, "1", "1"),
        (
            {
                "type": "LoadBalancer",
                "allocateLoadBalancerNodePorts": False,
                "ports": [{"port": 1}, {"port": 2, "nodePort": 3}],
            },
            "1",
            "1",
        ),
    ],
)
def test_services(spec: dict[str, Any], node_ports: str, balancers: str) -> None:
    found = used("services", build(Service, spec=spec))
    assert (found["services.nodeports"], found["services.loadbalancers"]) == (node_ports, balancers)
    assert (found["services"], found["count/services"]) == ("1", "1")


def claim(storage: str = "1Gi", status: Any = None, **spec: Any) -> PersistentVolumeClaim:
    spec = {"resources": {"requests": {"storage": storage}}, **spec}
    return build(PersistentVolumeClaim, spec=spec, status=status or {})


@pytest.mark.parametrize(
    ("obj", "storage"),
    [
        (claim(), "1Gi"),
        (claim(status={"allocatedResources": {"storage": "2Gi"}}), "2Gi"),
        (claim("2Gi", status={"allocatedResources": {"storage": "1Gi"}}), "2Gi"),
        (claim("1500m"), "2"),
    ],
)
def test_claims(obj: PersistentVolumeClaim, storage: str) -> None:
    assert used("persistentvolumeclaims", obj)["requests.storage"] == storage


def test_claims_of_a_class() -> None:
    found = used("persistentvolumeclaims", claim(storageClassName="gold"))
    mark = "gold.storageclass.storage.k8s.io/"
    assert (found[mark + "requests.storage"], found[mark + "persistentvolumeclaims"]) == ("1Gi", "1")


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("pods", ("", "pods")),
        ("count/pods", ("", "pods")),
        ("limits.memory", ("", "pods")),
        ("requests.example.com/gpu", ("", "pods")),
        ("hugepages-1Gi", ("", "pods")),
        ("services.nodeports", ("", "services")),
        ("requests.storage", ("", "persistentvolumeclaims")),
        ("gold.storageclass.storage.k8s.io/requests.storage", ("", "persistentvolumeclaims")),
        ("secrets", ("", "secrets")),
        ("count/secrets", ("", "secrets")),
        ("count/deployments.apps", ("apps", "deployments")),
        ("count/widgets.example.com", ("example.com", "widgets")),
        ("count/events", None),
        ("example.com/gpu", None),
    ],
)
def test_who_counts(name: str, resource: tuple[str, str] | None) -> None:
    assert quota_usage.counted_by(name) == resource


def quota(*requirements: dict[str, Any], scopes: Any = None) -> ResourceQuota:
    selector = {"scopeSelector": {"matchExpressions": list(requirements)}} if requirements else {}
    return build(ResourceQuota, spec={"scopes": scopes or [], **selector})


def volume_class(operator: str, *values: str) -> dict[str, Any]:
    return {"scopeName": "VolumeAttributesClass", "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("requirement", "obj", "covered"),
    [
        (volume_class("Exists"), claim(), False),
        (volume_class("Exists"), claim(volumeAttributesClassName="fast"), True),
        (volume_class("In", "fast"), claim(volumeAttributesClassName="fast"), True),
        (volume_class("In", "slow"), claim(volumeAttributesClassName="fast"), False),
        (volume_class("NotIn", "slow"), claim(), True),
        # The class that it has, and the one that it is going to have.
        (volume_class("In", "slow"), claim(status={"currentVolumeAttributesClassName": "slow"}), True),
        (
            volume_class("In", "new"),
            claim(status={"modifyVolumeStatus": {"status": "Pending", "targetVolumeAttributesClassName": "new"}}),
            True,
        ),
    ],
)
def test_volume_attributes_classes(requirement: dict[str, Any], obj: PersistentVolumeClaim, covered: bool) -> None:
    meter = quota_usage.meter("", "persistentvolumeclaims")
    assert meter is not None
    assert meter.covers(quota(requirement), obj) is covered


def test_scopes_choose_among_pods_only() -> None:
    meter = quota_usage.meter("", "services")
    assert meter is not None
    assert not meter.covers(quota(scopes=["BestEffort"]), build(Service))
    assert meter.covers(quota(), build(Service))


def test_totals() -> None:
    parts: list[dict[str, Any]] = [{"cpu": "100m", "memory": "1Gi"}, {"cpu": "1900m"}, {"pods": "1"}]
    assert quota_usage.total(parts, ("cpu", "memory", "secrets")) == {"cpu": "2", "memory": "1Gi", "secrets": "0"}
