"""The shell over a real API server: whose pods it takes, conflicts, refused bindings, what it tells users."""

import asyncio

import pytest

from steersman.api.clock import FakeClock
from steersman.api.errors import Conflict, ServiceUnavailable
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.kinds.types.core_v1 import Event, Node, Pod
from steersman.scheduler.scheduler import Scheduler
from steersman.testing import Cluster


class World:
    """A cluster without nodes of its own, whose scheduler is run here so that a test can get at it."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.client = cluster.client
        self._running = None

    def start(self):
        client, clock = self.client, self.cluster.clock
        recorder = EventRecorder(client, clock, "default-scheduler")
        pods, nodes = Informer(client, Pod, clock, verify=True), Informer(client, Node, clock, verify=True)
        self.scheduler = Scheduler(client, clock, recorder, pods, nodes)

        async def run():
            async with asyncio.TaskGroup() as group:
                for part in (recorder, pods, nodes, self.scheduler):
                    group.create_task(part.run())

        self._running = asyncio.ensure_future(run())

    async def stop(self):
        if self._running is not None:
            self._running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await self._running

    async def node(self, name, **spec):
        made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}
        (node,) = await self.cluster.create(made)
        node.status.allocatable = {"cpu": "4", "memory": "8Gi", "pods": "10"}
        await self.client.update_status(node)

    async def pod(self, name, cpu="1", **spec):
        container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
        made = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container], **spec},
        }
        return (await self.cluster.create(made))[0]

    async def placed(self, name):
        return (await self.cluster.wait(Pod, name, lambda p: p.spec.nodeName)).spec.nodeName

    async def waits(self, name):
        """The message of the pod's PodScheduled condition."""
        pod = await self.cluster.wait(Pod, name, lambda p: p.status.conditions)
        (condition,) = pod.status.conditions
        assert (condition.type, condition.status, condition.reason) == ("PodScheduled", "False", "Unschedulable")
        return condition.message

    async def events(self, reason):
        await self.cluster.settle()
        return [e for e in (await self.client.list(Event, "default")).items if e.reason == reason]


@pytest.fixture
async def world():
    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=FakeClock()) as cluster:
        world = World(cluster)
        yield world
        await world.stop()


async def test_places_what_was_there_before_it(world):
    await world.node("a")
    await world.pod("early")
    world.start()
    assert await world.placed("early") == "a"
    (event,) = await world.events("Scheduled")
    assert event.message == "Successfully assigned default/early to a"
    assert event.source.component == "default-scheduler"


async def test_leaves_other_schedulers_pods_alone(world):
    await world.node("a")
    world.start()
    await world.pod("theirs", schedulerName="other")
    await world.pod("ours")
    await world.placed("ours")
    assert (await world.client.get(Pod, "theirs", "default")).spec.nodeName == ""


async def test_gated_pods_wait_for_their_gates(world):
    await world.node("a")
    world.start()
    await world.pod("gated", schedulingGates=[{"name": "example.com/quota"}])
    await world.cluster.settle()
    assert (await world.client.get(Pod, "gated", "default")).spec.nodeName == ""
    await world.client.patch(Pod, "gated", {"spec": {"schedulingGates": None}}, "default")
    assert await world.placed("gated") == "a"


async def test_says_once_why_a_pod_waits(world):
    world.start()
    await world.pod("p")
    assert await world.waits("p") == "no nodes available to schedule pods"
    before = await world.client.get(Pod, "p", "default")
    await world.node("a", unschedulable=True)
    await world.cluster.advance(2)
    after = await world.client.get(Pod, "p", "default")
    assert after.status.conditions[0].message == "0/1 nodes are available: 1 node(s) were unschedulable."
    assert after.status.conditions[0].lastTransitionTime == before.status.conditions[0].lastTransitionTime
    assert [e.message for e in await world.events("FailedScheduling")] == [
        "no nodes available to schedule pods",
        "0/1 nodes are available: 1 node(s) were unschedulable.",
    ]


async def full(world):
    """A node with a pod, and another that has no room beside it."""
    await world.node("a")
    world.start()
    await world.pod("first", cpu="3")
    await world.placed("first")
    await world.pod("second", cpu="2")


async def test_waits_for_room(world):
    await full(world)
    assert await world.waits("second") == "0/1 nodes are available: 1 Insufficient cpu."
    await world.client.delete(Pod, "first", "default", grace=0)
    assert await world.placed("second") == "a"


async def test_a_pod_that_ended_leaves_its_room(world):
    await full(world)
    await world.waits("second")
    await world.client.patch(Pod, "first", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
    assert await world.placed("second") == "a"


async def test_a_pod_that_was_made_smaller_leaves_room(world):
    await full(world)
    await world.waits("second")
    smaller = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}
    await world.client.patch(Pod, "first", smaller, "default", kind="strategic", subresource="resize")
    assert await world.placed("second") == "a"


async def test_a_new_node_helps(world):
    world.start()
    await world.pod("p")
    await world.waits("p")
    await world.node("a")
    assert await world.placed("p") == "a"


async def test_a_node_that_went_takes_nothing(world):
    await world.node("a")
    await world.node("b")
    world.start()
    await world.client.delete(Node, "a")
    for number in range(4):
        await world.pod(f"p{number}", cpu="1")
        assert await world.placed(f"p{number}") == "b"


async def test_a_burst_never_overcommits(world):
    await world.node("a")
    await world.node("b")
    world.start()
    for number in range(12):
        await world.pod(f"p{number}", cpu="1")
    await world.cluster.settle()
    pods = (await world.client.list(Pod, "default")).items
    assert sorted(p.spec.nodeName for p in pods) == [""] * 4 + ["a"] * 4 + ["b"] * 4


async def test_a_refused_binding_gives_the_room_back_and_is_tried_again(world, monkeypatch):
    await world.node("a")
    bind, refusals = world.client.bind, [ServiceUnavailable("down"), ServiceUnavailable("down")]

    async def flaky(*args, **kwargs):
        if refusals:
            raise refusals.pop()
        await bind(*args, **kwargs)

    monkeypatch.setattr(world.client, "bind", flaky)
    world.start()
    await world.pod("p", cpu="4")
    assert await world.placed("p") == "a"
    assert not refusals


async def test_somebody_else_was_faster(world, monkeypatch):
    await world.node("a")
    await world.node("b")
    bind, rivals = world.client.bind, ["b"]

    async def late(namespace, pod, node, **kwargs):
        while rivals:
            await bind(namespace, pod, rivals.pop())
        await bind(namespace, pod, node, **kwargs)

    monkeypatch.setattr(world.client, "bind", late)
    world.start()
    await world.pod("p", cpu="4")
    assert await world.placed("p") == "b"
    monkeypatch.setattr(world.client, "bind", bind)
    await world.pod("q", cpu="4")
    assert await world.placed("q") == "a"
    with pytest.raises(Conflict):
        await bind("default", "p", "a")


async def test_a_terminating_pod_is_not_placed(world):
    world.start()
    made = await world.pod("p")
    await world.client.patch(Pod, "p", {"metadata": {"finalizers": ["example.com/hold"]}}, "default")
    await world.waits("p")
    await world.client.delete(Pod, "p", "default")
    await world.node("a")
    await world.cluster.advance(20)
    found = await world.client.get(Pod, "p", "default")
    assert (found.metadata.uid, found.spec.nodeName) == (made.metadata.uid, "")


async def test_one_odd_pod_does_not_keep_others_from_being_placed(world, monkeypatch, caplog):
    from steersman.scheduler import scheduler

    place, trouble = scheduler.place, [1, 2]

    def odd(info, table, plugins):
        if info.pod.metadata.name == "odd" and trouble:
            raise ArithmeticError(f"trouble {trouble.pop()}")
        return place(info, table, plugins)

    monkeypatch.setattr(scheduler, "place", odd)
    await world.node("a")
    world.start()
    await world.pod("odd")
    await world.pod("fine")
    assert await world.placed("fine") == "a"
    assert await world.placed("odd") == "a"
    assert "placing default/odd" in caplog.text
