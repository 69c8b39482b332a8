"""Nodes over the real API server: address ranges, loss, taints, eviction, and what becomes of their pods."""

import ipaddress

import pytest

from steersman.api.errors import NotFound
from steersman.api.meta import format_micro_time, format_time
from steersman.controller.config import ControllerConfig
from steersman.controllers import nodeipam, nodelifecycle, podgc, tainteviction
from steersman.controllers.nodeipam import Range
from steersman.kinds.types.coordination_v1 import Lease
from steersman.kinds.types.core_v1 import Node, NodeCondition, Pod, ServiceAccount, Taint

LEASES = "kube-node-lease"


class Nodes:
    """Plays the kubelets of some nodes."""

    def __init__(self, world, make):
        self.world, self.make, self.alive = world, make, set()

    async def add(self, name):
        await self.world.client.create(self.make(Node, name))
        await self.world.client.create(self.make(Lease, name, LEASES, spec={"renewTime": self._now()}))
        self.alive.add(name)
        await self.report(name)
        await self.world.settle()

    def _now(self):
        return format_micro_time(self.world.clock.now())

    async def report(self, name, **conditions):
        node = await self.get(name)
        stamp = format_time(self.world.clock.now())
        node.status.conditions = [
            NodeCondition(type=t, status=s, lastHeartbeatTime=stamp, lastTransitionTime=stamp)
            for t, s in {"Ready": "True", "MemoryPressure": "False", **conditions}.items()
        ]
        await self.world.client.update_status(node)
        await self.world.settle()

    async def get(self, name):
        return await self.world.client.get(Node, name)

    async def pass_time(self, seconds):
        """Time passes while the living nodes renew their leases."""
        for _ in range(int(seconds // 10)):
            for name in self.alive:
                await self.world.client.patch(Lease, name, {"spec": {"renewTime": self._now()}}, LEASES)
            await self.world.pass_time(10)

    async def taints(self, name):
        return sorted(
            (t.key.removeprefix("node.kubernetes.io/"), t.effect) for t in (await self.get(name)).spec.taints or ()
        )

    async def ready(self, name):
        return next((c.status, c.reason) for c in (await self.get(name)).status.conditions if c.type == "Ready")


@pytest.fixture
async def nodes(world, make):
    await world.start(nodelifecycle, tainteviction, podgc)
    await world.client.create(make(ServiceAccount, "default"))
    return Nodes(world, make)


async def pod_on(nodes, node, name="p", **spec):
    containers = [{"name": "c", "image": "web:1"}]
    pod = await nodes.world.client.create(nodes.make(Pod, name, spec={"containers": containers, **spec}))
    await nodes.world.run_pod(pod, node=node)
    await nodes.world.settle()


async def pod(nodes, name="p"):
    try:
        return await nodes.world.client.get(Pod, name, "default")
    except NotFound:
        return None


async def test_a_node_that_renews_its_lease_stays_ready(nodes):
    await nodes.add("a")
    await nodes.pass_time(600)
    assert await nodes.ready("a") == ("True", "")
    assert await nodes.taints("a") == []


async def test_a_lost_node(nodes):
    for name in ("a", "b"):
        await nodes.add(name)
    await pod_on(nodes, "a")
    nodes.alive.remove("a")
    await nodes.pass_time(70)
    assert await nodes.ready("a") == ("Unknown", "NodeStatusUnknown")
    assert await nodes.taints("a") == [("unreachable", "NoExecute"), ("unreachable", "NoSchedule")]
    assert await nodes.taints("b") == []
    found = await pod(nodes)
    assert [c.status for c in found.status.conditions if c.type == "Ready"] == ["False"]
    # The toleration that every pod gets: five minutes.
    await nodes.pass_time(260)
    assert not (await pod(nodes)).metadata.deletionTimestamp
    await nodes.pass_time(60)
    found = await pod(nodes)
    assert found.metadata.deletionTimestamp
    assert [c.reason for c in found.status.conditions if c.type == "DisruptionTarget"] == ["DeletionByTaintManager"]


async def test_a_node_that_comes_back(nodes):
    for name in ("a", "b"):
        await nodes.add(name)
    await pod_on(nodes, "a")
    nodes.alive.remove("a")
    await nodes.pass_time(70)
    nodes.alive.add("a")
    await nodes.report("a")
    assert await nodes.taints("a") == []
    await nodes.pass_time(400)
    assert not (await pod(nodes)).metadata.deletionTimestamp


async def test_nobody_is_evicted_when_every_node_is_lost(nodes):
    await nodes.add("a")
    nodes.alive.clear()
    await nodes.pass_time(200)
    assert await nodes.taints("a") == [("unreachable", "NoSchedule")]


async def test_conditions_and_cordon_become_taints(nodes):
    for name in ("a", "b"):
        await nodes.add(name)
    await nodes.report("a", Ready="False", MemoryPressure="True")
    assert await nodes.taints("a") == [
        ("memory-pressure", "NoSchedule"),
        ("not-ready", "NoExecute"),
        ("not-ready", "NoSchedule"),
    ]
    await nodes.report("a")
    await nodes.world.client.patch(Node, "a", {"spec": {"unschedulable": True}})
    await nodes.world.settle()
    assert await nodes.taints("a") == [("unschedulable", "NoSchedule")]


async def test_taints_of_others_are_kept_and_obeyed(nodes):
    await nodes.add("a")
    await pod_on(nodes, "a")
    tolerations = [{"key": "mine", "operator": "Exists", "effect": "NoExecute"}]
    await pod_on(nodes, "a", "tolerant", tolerations=tolerations)
    taint = Taint(key="mine", effect="NoExecute")
    await nodes.world.client.patch(Node, "a", {"spec": {"taints": [taint]}})
    await nodes.world.settle()
    assert await nodes.taints("a") == [("mine", "NoExecute")]
    assert (await pod(nodes)).metadata.deletionTimestamp
    assert not (await pod(nodes, "tolerant")).metadata.deletionTimestamp


async def test_pods_of_a_removed_node_are_removed(nodes):
    await nodes.add("a")
    await pod_on(nodes, "a")
    nodes.alive.clear()
    await nodes.world.client.delete(Node, "a")
    await nodes.world.pass_time(30)
    assert await pod(nodes) is not None
    await nodes.world.pass_time(20)
    assert await pod(nodes) is None


async def test_finished_pods_beyond_the_threshold_go(world, make):
    await world.start(podgc, config=ControllerConfig(terminated_pod_threshold=2))
    await world.client.create(make(ServiceAccount, "default"))
    for number in range(4):
        containers = [{"name": "c", "image": "web:1"}]
        found = await world.client.create(make(Pod, f"p{number}", spec={"containers": containers}))
        await world.run_pod(found, phase="Succeeded", ready=False)
        await world.pass_time(1)
    assert [p.metadata.name for p in await world.all(Pod)] == ["p2", "p3"]


async def test_every_node_gets_its_range(world, make):
    await world.start(nodeipam, config=ControllerConfig(cluster_cidrs=("10.244.0.0/22",), service_cidr="10.244.1.0/24"))
    await world.client.create(make(Node, "kept", spec={"podCIDR": "10.244.2.0/24", "podCIDRs": ["10.244.2.0/24"]}))
    for name in ("a", "b", "c"):
        await world.client.create(make(Node, name))
    await world.settle()
    found = {n.metadata.name: n.spec.podCIDR for n in await world.all(Node, "")}
    assert found == {"kept": "10.244.2.0/24", "a": "10.244.0.0/24", "b": "10.244.3.0/24", "c": ""}
    # A range comes back with the end of its node.
    await world.client.delete(Node, "b")
    await world.pass_time(2000)
    assert (await world.client.get(Node, "c")).spec.podCIDR == "10.244.3.0/24"


RANGES = [
    ("10.0.0.0/16", 24, [], "10.0.0.0/24"),
    ("10.0.0.0/16", 24, ["10.0.0.0/24", "10.0.1.0/24"], "10.0.2.0/24"),
    ("10.0.0.0/16", 24, ["10.0.1.0/24"], "10.0.0.0/24"),
    ("10.0.0.0/16", 24, ["10.0.0.128/25"], "10.0.1.0/24"),
    ("10.0.0.0/23", 24, ["10.0.0.0/23"], None),
    ("10.0.0.0/16", 26, ["10.0.0.0/24"], "10.0.1.0/26"),
    ("fd00::/48", 64, ["fd00::/64", "10.0.0.0/8"], "fd00:0:0:1::/64"),
]


@pytest.mark.parametrize(("cluster", "prefix", "taken", "free"), RANGES)
def test_first_free(cluster, prefix, taken, free):
    found = Range(ipaddress.ip_network(cluster), prefix).first_free([ipaddress.ip_network(t) for t in taken])
    assert (str(found) if found else None) == free
