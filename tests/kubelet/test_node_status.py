"""What a node says of itself."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from steersman.kinds.types.core_v1 import NodeCondition, NodeStatus
from steersman.kubelet.node_status import (
    RUNTIME_PATIENCE,
    Machine,
    NodeSnapshot,
    compute_node_status,
    new_node,
    worth_writing,
)
from steersman.kubelet.runtime.types import Condition, Image, RuntimeStatus, RuntimeVersion
from steersman.kubelet.settings import NodeSettings

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GI = 2**30
SETTINGS = NodeSettings(name="n", ips=("192.0.2.1", "2001:db8::1"), cpus=2, memory=4 * GI, disk=100 * GI, server_port=10250,
                        pod_cidr="10.1.0.0/24", labels={"own": "label"})  # fmt: skip
MACHINE = Machine("amd64", "6.1", "Debian", "m", "s", "b")
VERSION = RuntimeVersion(runtime_name="containerd", runtime_version="1.7", runtime_api_version="v1")
WELL = RuntimeStatus(
    conditions=[Condition(type="RuntimeReady", status=True), Condition(type="NetworkReady", status=True)]
)


def snapshot(now=NOW, runtime=WELL, images=(), memory=2 * GI, disk=50 * GI, problem="", silent_for=0.0):
    version = None if problem else VERSION
    return NodeSnapshot(now, MACHINE, version, None if problem else runtime, images, memory, disk, problem, silent_for)


def status(old=None, **fields):
    return compute_node_status(SETTINGS, snapshot(**fields), old or NodeStatus())


def conditions(found):
    return {c.type: (c.status, c.reason) for c in found.conditions}


def test_registration():
    node = new_node(SETTINGS, snapshot())
    labels = node.metadata.labels
    assert labels["kubernetes.io/hostname"] == "n"
    assert (labels["kubernetes.io/os"], labels["kubernetes.io/arch"], labels["own"]) == ("linux", "amd64", "label")
    assert node.spec.podCIDR == "10.1.0.0/24"
    assert has(node.status, "Ready") == "True"


def has(found, type_):
    return next(c.status for c in found.conditions if c.type == type_)


def test_status():
    found = status()
    assert [(a.type, a.address) for a in found.addresses] == [
        ("InternalIP", "192.0.2.1"), ("InternalIP", "2001:db8::1"), ("Hostname", "n"),
    ]  # fmt: skip
    assert found.capacity["cpu"] == found.allocatable["cpu"] == "2"
    assert found.capacity["pods"] == "110"
    assert found.nodeInfo.containerRuntimeVersion == "containerd://1.7"
    assert found.nodeInfo.kubeletVersion == "v1.37.0"
    assert found.daemonEndpoints.kubeletEndpoint.Port == 10250
    assert conditions(found) == {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID"),
        "Ready": ("True", "KubeletReady"),
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"problem": "container runtime is down: no socket"}, "[container runtime is down: no socket]"),
        (
            {"runtime": RuntimeStatus(conditions=[Condition(type="NetworkReady", status=False, reason="NetworkPluginNotReady", message="cni")])},
            "[container runtime NetworkReady not ready: NetworkPluginNotReady: cni]",
        ),
    ],
)  # fmt: skip
def test_not_ready(fields, message):
    ready = next(c for c in status(**fields).conditions if c.type == "Ready")
    assert (ready.status, ready.reason, ready.message) == ("False", "KubeletNotReady", message)


def test_pressure():
    found = conditions(status(memory=50 * 2**20, disk=GI))
    assert found["MemoryPressure"] == ("True", "KubeletHasInsufficientMemory")
    assert found["DiskPressure"] == ("True", "KubeletHasDiskPressure")


def test_heartbeats_pass_and_transitions_stay():
    first = status()
    later = NOW + timedelta(seconds=10)
    second = status(first, now=later)
    assert {c.lastHeartbeatTime for c in second.conditions} == {"2030-01-01T00:00:10Z"}
    assert {c.lastTransitionTime for c in second.conditions} == {"2030-01-01T00:00:00Z"}
    third = status(second, now=later, problem="down", silent_for=RUNTIME_PATIENCE)
    changed = {c.type for c in third.conditions if c.lastTransitionTime == "2030-01-01T00:00:10Z"}
    assert changed == {"Ready"}


def test_a_runtime_that_is_restarted_leaves_the_node_as_it_was():
    ready = status(images=[Image(id="sha256:1", repo_tags=("i:1",), repo_digests=(), size_bytes=1)])
    assert not worth_writing(ready, status(ready, problem="down", silent_for=RUNTIME_PATIENCE - 1))
    gone = status(ready, problem="down", silent_for=RUNTIME_PATIENCE)
    assert has(gone, "Ready") == "False"
    assert gone.images == ready.images
    assert has(status(gone, problem="down"), "Ready") == "False"


def test_others_conditions_stay():
    theirs = NodeCondition(type="KernelDeadlock", status="False")
    assert theirs in status(NodeStatus(conditions=[theirs])).conditions


def test_images_the_largest_first():
    images = [Image(id=f"sha256:{i}", repo_tags=(f"i:{i}",), repo_digests=(), size_bytes=i) for i in range(60)]
    found = status(images=images).images
    assert len(found) == 50
    assert found[0].names == ["i:59"]


def test_worth_writing():
    first = status()
    assert not worth_writing(first, status(first, now=NOW + timedelta(seconds=10)))
    assert worth_writing(first, status(first, problem="down", silent_for=RUNTIME_PATIENCE))
    assert worth_writing(first, replace(first, capacity={**first.capacity, "cpu": "3"}))
