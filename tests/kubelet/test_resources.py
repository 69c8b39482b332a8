"""Requests and limits as cgroup settings: Kubernetes' arithmetic."""

import pytest
from tests.kubelet.builders import container, pod, sidecar

from steersman.kubelet.resources import (
    container_resources,
    cpu_quota,
    cpu_shares,
    oom_score_adj,
    pod_requests,
    pod_resources,
)

GI = 2**30


@pytest.mark.parametrize(
    ("milli", "shares"), [(0, 2), (1, 2), (2, 2), (100, 102), (500, 512), (1000, 1024), (300_000, 262_144)]
)
def test_shares(milli, shares):
    assert cpu_shares(milli) == shares


@pytest.mark.parametrize(
    ("milli", "quota"), [(0, 0), (5, 1000), (10, 1000), (50, 5000), (500, 50_000), (2000, 200_000)]
)
def test_quota(milli, quota):
    assert cpu_quota(milli) == quota


@pytest.mark.parametrize(
    ("qos", "memory", "priority", "score"),
    [
        ("Guaranteed", "1Gi", None, -997),
        ("BestEffort", None, None, 1000),
        ("Burstable", None, None, 999),
        ("Burstable", "1Mi", None, 999),
        ("Burstable", "1Gi", None, 750),
        ("Burstable", "4Gi", None, 3),
        ("Burstable", "1Gi", 2_000_000_000, -997),
    ],
)
def test_oom_score(qos, memory, priority, score):
    requests = {"memory": memory} if memory else {}
    made = pod([container(resources={"requests": requests})], status={"qosClass": qos}, priority=priority)
    assert oom_score_adj(made, made.spec.containers[0], 4 * GI) == score


def test_container():
    resources = {"requests": {"cpu": "100m"}, "limits": {"cpu": "500m", "memory": "1Gi", "hugepages-2Mi": "4Mi"}}
    made = pod([container(resources=resources)], status={"qosClass": "Burstable"})
    found = container_resources(made, made.spec.containers[0], 4 * GI)
    assert (found.cpu_shares, found.cpu_period, found.cpu_quota) == (102, 100_000, 50_000)
    assert found.memory_limit_in_bytes == GI
    assert found.hugepage_limits == {"2MB": 4 << 20}


@pytest.mark.parametrize(
    ("resources", "shares"),
    [({"limits": {"cpu": "1"}}, 1024), ({}, 2), ({"requests": {"cpu": "0"}, "limits": {"cpu": "1"}}, 2)],
)
def test_container_shares_without_a_request(resources, shares):
    made = pod([container(resources=resources)])
    assert container_resources(made, made.spec.containers[0], GI).cpu_shares == shares


def limited(name, cpu, memory="", make=container):
    amounts = {"cpu": cpu, **({"memory": memory} if memory else {})}
    return make(name, resources={"requests": {"cpu": cpu}, "limits": amounts})


@pytest.mark.parametrize(
    ("containers", "init", "spec", "expected"),
    [
        # (shares, quota, memory)
        ([limited("a", "1", "1Gi"), limited("b", "500m", "1Gi")], None, {}, (1536, 150_000, 2 * GI)),
        ([limited("a", "1"), container("b")], None, {}, (1024, 0, 0)),
        ([limited("a", "1", "1Gi")], [limited("i", "2", "3Gi")], {}, (2048, 200_000, 3 * GI)),
        ([limited("a", "1", "1Gi")], [limited("s", "1", "1Gi", sidecar)], {}, (2048, 200_000, 2 * GI)),
        ([limited("a", "1", "1Gi")], [container("i")], {}, (1024, 0, 0)),
        ([limited("a", "1", "1Gi")], None, {"overhead": {"cpu": "1", "memory": "1Gi"}}, (2048, 200_000, 2 * GI)),
        ([container("a")], None, {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}, (1024, 200_000, 0)),
        ([container("a")], None, {}, (2, 0, 0)),
    ],
)
def test_pod(containers, init, spec, expected):
    found = pod_resources(pod(containers, init, **spec))
    assert (found.cpu_shares, found.cpu_quota, found.memory_limit_in_bytes) == expected


def test_pod_requests_in_thousandths():
    made = pod([limited("a", "1500m"), container("b", resources={"requests": {"memory": "1Ki"}})])
    assert pod_requests(made) == {"cpu": 1500, "memory": 1_024_000}
