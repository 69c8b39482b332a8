"""Pods that a node refuses although they were bound to it."""

import pytest
from tests.kubelet.builders import container, pod

from steersman.api import codec
from steersman.kinds.types.core_v1 import Node
from steersman.kubelet.admission import check
from steersman.kubelet.sysctls import Allowlist

NODE = codec.from_builtins(
    Node,
    {
        "metadata": {"name": "n", "labels": {"disk": "ssd"}},
        "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3"}},
    },
)[0]


def asks(**requests):
    return pod([container(resources={"requests": requests})])


def listens(port, **more):
    return pod([container(ports=[{"containerPort": port, "hostPort": port, **more}])])


def requires(name):
    """As pods of DaemonSets do."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return pod(affinity={"nodeAffinity": required})


def sets(*names):
    return pod(securityContext={"sysctls": [{"name": name, "value": "1"} for name in names]})


@pytest.mark.parametrize(
    ("made", "others"),
    [
        (pod(), []),
        (asks(cpu="2", memory="1Gi"), []),
        (asks(cpu="1"), [asks(cpu="1")]),
        (pod(nodeSelector={"disk": "ssd"}), []),
        (requires("n"), []),
        (pod(os={"name": "linux"}), []),
        (sets("kernel.shm_rmid_forced", "net/ipv4/tcp_syncookies"), []),
        (listens(80), [listens(81), listens(80, protocol="UDP")]),
        (listens(80, hostIP="10.0.0.1"), [listens(80, hostIP="10.0.0.2")]),
        (asks(**{"example.com/gpu": "0"}), []),
    ],
)
def test_admitted(made, others):
    assert check(made, others, NODE, Allowlist.of()) is None


@pytest.mark.parametrize(
    ("made", "others", "reason", "message"),
    [
        (pod(os={"name": "windows"}), [], "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"),
        (sets("kernel.shm_rmid_forced", "kernel.msgmax"), [], "SysctlForbidden",
         'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        (sets("kernel/core_pattern"), [], "SysctlForbidden", 'forbidden sysctl: "kernel.core_pattern" not allowlisted'),
        (asks(cpu="3"), [], "OutOfcpu", "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000"),
        (asks(cpu="1"), [asks(cpu="1500m")], "OutOfcpu",
         "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000"),
        (asks(memory="2Gi"), [], "OutOfmemory",
         f"Node didn't have enough resource: memory, requested: {2 << 30}, used: 0, capacity: {1 << 30}"),
        (asks(**{"example.com/gpu": "1"}), [], "OutOfexample.com/gpu",
         "Node didn't have enough resource: example.com/gpu, requested: 1, used: 0, capacity: 0"),
        (pod(), [pod(), pod(), pod()], "OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"),
        (pod(nodeSelector={"disk": "hdd"}), [], "NodeAffinity",
         "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"),
        (requires("other"), [], "NodeAffinity",
         "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"),
        (listens(80), [listens(80)], "NodePorts",
         "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"),
        (listens(80), [listens(80, hostIP="10.0.0.1")], "NodePorts",
         "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"),
    ],
)  # fmt: skip
def test_refused(made, others, reason, message):
    found = check(made, others, NODE, Allowlist.of())
    assert (found.reason, found.message) == (reason, message)
