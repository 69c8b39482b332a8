"""A kubelet over the fake runtime and a real API server: its node, its pods' lives, and trouble that stays where it is."""

import asyncio

import pytest

from steersman.api.clock import FakeClock
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.kinds.types.coordination_v1 import Lease
from steersman.kinds.types.core_v1 import Event, Node, Pod
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.node_status import Machine
from steersman.kubelet.pod_source import NodePods, SharedPods
from steersman.kubelet.runtime.fake import FakeRuntime
from steersman.kubelet.runtime.types import Code, RuntimeCallError
from steersman.kubelet.settings import NodeSettings
from steersman.testing import Cluster, has_condition

MACHINE = Machine("amd64", "k", "o", "m", "s", "b")


class World:
    """One kubelet whose runtime a test can break; time stands still but for `cluster.advance` and waits."""

    def __init__(self, cluster, **settings):
        self.cluster, self.client, self.clock = cluster, cluster.client, cluster.clock
        self.settings = NodeSettings(name="n", ips=("192.0.2.1",), cpus=4, memory=2**30, **settings)
        self.runtime = FakeRuntime(self.clock, "10.1.0.0/24", node="n")

    def start(self):
        recorder = EventRecorder(self.client, self.clock, "kubelet", "n")
        pods = Informer(self.client, Pod, self.clock, fields="spec.nodeName=n", verify=True)
        self.kubelet = Kubelet(
            self.settings, self.client, self.runtime, self.clock, MACHINE, NodePods(pods), tuple, recorder
        )

        async def run():
            async with asyncio.TaskGroup() as group:
                for part in (recorder, pods, self.kubelet):
                    group.create_task(part.run())

        self.task = asyncio.ensure_future(run())

    async def stop(self):
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task

    async def pod(self, name, **spec):
        plain = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "n", **spec},
        }
        return (await self.cluster.create(plain))[0]

    async def wait(self, name, condition):
        return await self.cluster.wait(Pod, name, condition, timeout=60)

    async def events(self, name):
        await self.cluster.settle()
        found = (await self.client.list(Event, "default")).items
        return [(e.reason, e.message) for e in found if e.involvedObject.name == name]

    def fail(self, monkeypatch, method, error, *, times=1, only=lambda *_: True):
        """The runtime's method fails so many times."""
        real, left = getattr(self.runtime, method), [times]

        async def broken(*args, **kwargs):
            if left[0] and only(*args):
                left[0] -= 1
                raise error
            return await real(*args, **kwargs)

        monkeypatch.setattr(self.runtime, method, broken)


@pytest.fixture
async def world():
    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=FakeClock()) as cluster:
        world = World(cluster)
        world.start()
        yield world
        await world.stop()


def waits(pod):
    state = pod.status.containerStatuses[0].state if pod.status.containerStatuses else None
    return state.waiting.reason if state and state.waiting else ""


async def test_registers_its_node_and_renews_its_lease(world):
    await world.cluster.wait(Node, "n", "Ready")
    lease = await world.cluster.wait(Lease, "n", lambda _: True, "kube-node-lease")
    assert lease.spec.holderIdentity == "n"
    assert lease.spec.leaseDurationSeconds == 40
    await world.cluster.advance(11)
    renewed = await world.client.get(Lease, "n", "kube-node-lease")
    assert renewed.spec.renewTime > lease.spec.renewTime


async def test_a_deleted_node_comes_back(world):
    before = await world.cluster.wait(Node, "n", "Ready")
    await world.client.delete(Node, "n")
    await world.cluster.advance(400)
    after = await world.cluster.wait(Node, "n", "Ready")
    assert after.metadata.uid != before.metadata.uid


async def test_a_runtime_that_stays_away_makes_the_node_unready(world, monkeypatch):
    await world.cluster.wait(Node, "n", "Ready")
    down = RuntimeCallError(Code.UNAVAILABLE, "no socket")
    with monkeypatch.context() as broken:
        world.fail(broken, "status", down, times=10**6)
        await world.cluster.advance(2 * world.settings.status_period)
        assert has_condition("Ready")(await world.client.get(Node, "n"))
        await world.cluster.wait(Node, "n", has_condition("Ready", "False"), timeout=60)
    await world.cluster.wait(Node, "n", "Ready", timeout=60)


async def test_a_pods_life(world):
    await world.pod("p")
    found = await world.wait("p", "Ready")
    assert found.status.podIP.startswith("10.1.0.")
    reasons = [reason for reason, _ in await world.events("p")]
    assert reasons == ["Pulling", "Pulled", "Created", "Started"]
    await world.client.delete(Pod, "p", "default")
    await world.cluster.wait_gone(Pod, "p", timeout=60)
    assert not await world.runtime.list_pod_sandboxes()
    assert ("Killing", "Stopping container c") in await world.events("p")


async def test_volumes_of_any_kind_do_for_a_simulated_pod(world):
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    await world.pod("p", containers=[{"name": "c", "image": "i", **mount}], volumes=[claim])
    await world.wait("p", "Ready")


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("create_container", "CreateContainerError"),
        ("start_container", "RunContainerError"),
        ("pull_image", "ErrImagePull"),
    ],
)
async def test_a_start_that_fails_is_tried_again(world, monkeypatch, method, reason):
    world.fail(monkeypatch, method, RuntimeCallError(Code.UNKNOWN, "no luck"))
    await world.pod("p")
    await world.wait("p", lambda p: waits(p) == reason)
    await world.wait("p", "Ready")
    assert ("Warning", "Failed") in {
        (e.type, e.reason) for e in (await world.client.list(Event, "default")).items if "no luck" in e.message
    }


async def test_a_sandbox_that_fails_is_tried_again(world, monkeypatch):
    world.fail(monkeypatch, "run_pod_sandbox", RuntimeCallError(Code.UNKNOWN, "no network"), times=2)
    await world.pod("p")
    await world.wait("p", "Ready")
    assert ("FailedCreatePodSandBox", "Failed to create pod sandbox: UNKNOWN: no network") in await world.events("p")


async def test_a_deletion_does_not_wait_for_the_next_try(world, monkeypatch):
    world.fail(monkeypatch, "run_pod_sandbox", RuntimeCallError(Code.UNKNOWN, "no"), times=10**6)
    await world.pod("p")
    await world.cluster.wait_for(lambda: _failed(world, "p"))
    before = world.clock.monotonic()
    await world.client.delete(Pod, "p", "default")
    await world.cluster.wait_gone(Pod, "p")
    assert world.clock.monotonic() - before < 0.5


async def _failed(world, name):
    return "FailedCreatePodSandBox" in {reason for reason, _ in await world.events(name)}


async def test_one_pods_trouble_is_not_the_others(world, monkeypatch, caplog):
    world.fail(
        monkeypatch, "run_pod_sandbox", ArithmeticError("a bug"), times=3, only=lambda config: config.name == "odd"
    )
    await world.pod("odd")
    await world.pod("fine")
    await world.wait("fine", "Ready")
    await world.wait("odd", "Ready")
    assert "pod default/odd" in caplog.text
    assert not world.task.done()


async def test_a_pod_that_ended_stays_ended(world):
    await world.pod("p", restartPolicy="Never")
    done = await world.wait("p", lambda p: p.status.phase == "Succeeded")
    assert not [s for s in await world.runtime.list_pod_sandboxes() if s.state == 0]
    await world.stop()
    world.start()
    await world.cluster.advance(5)
    again = await world.client.get(Pod, "p", "default")
    assert again.status.containerStatuses == done.status.containerStatuses


async def test_a_lost_sandbox_is_replaced(world):
    await world.pod("p")
    await world.wait("p", "Ready")
    (sandbox,) = await world.runtime.list_pod_sandboxes()
    await world.runtime.stop_pod_sandbox(sandbox.id)
    found = await world.wait(
        "p", lambda p: p.status.containerStatuses[0].restartCount == 1 and has_condition("Ready")(p)
    )
    assert found.status.podIP


async def test_readiness_gates(world):
    await world.pod("p", readinessGates=[{"conditionType": "example.com/lb"}])
    await world.wait("p", "ContainersReady")
    assert not has_condition("Ready")(await world.client.get(Pod, "p", "default"))
    gate = {"status": {"conditions": [{"type": "example.com/lb", "status": "True"}]}}
    await world.client.patch(Pod, "p", gate, "default", kind="strategic", subresource="status")
    await world.wait("p", "Ready")


async def test_a_pod_of_the_same_name_again(world):
    await world.pod("p")
    await world.wait("p", "Ready")
    await world.client.delete(Pod, "p", "default", grace=0)
    second = await world.pod("p")
    found = await world.wait("p", "Ready")
    assert found.metadata.uid == second.metadata.uid
    await world.cluster.advance(3)
    assert {s.uid for s in await world.runtime.list_pod_sandboxes()} == {second.metadata.uid}


async def test_what_nobody_knows_is_removed(world):
    await world.pod("p")
    await world.wait("p", "Ready")
    await world.stop()
    await world.client.delete(Pod, "p", "default", grace=0)
    world.start()
    await world.cluster.advance(15)
    assert not await world.runtime.list_pod_sandboxes()


async def test_a_node_takes_no_more_pods_than_it_may():
    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=FakeClock()) as cluster:
        world = World(cluster, max_pods=1)
        world.start()
        await world.pod("a")
        await world.wait("a", "Ready")
        await world.pod("b")
        found = await world.wait("b", lambda p: p.status.phase == "Failed")
        assert found.status.reason == "OutOfpods"
        assert found.status.message.startswith("Pod was rejected: Node didn't have enough resource: pods")
        await world.stop()


async def test_labels_that_others_give_the_node_count_at_once(world):
    await world.cluster.wait(Node, "n", "Ready")
    await world.client.patch(Node, "n", {"metadata": {"labels": {"color": "green"}}})
    await world.pod("p", nodeSelector={"color": "green"})
    await world.wait("p", "Ready")
    await world.pod("q", nodeSelector={"color": "blue"})
    found = await world.wait("q", lambda p: p.status.phase == "Failed")
    assert found.status.reason == "NodeAffinity"


async def test_many_nodes_share_one_watch():
    async with Cluster(nodes=0, controllers=False, scheduler=False) as cluster:
        informer = Informer(cluster.client, Pod, cluster.clock)
        shared = SharedPods(informer)
        seen = {"a": [], "b": []}
        for name, log in seen.items():
            shared.for_node(name).subscribe(lambda old, new, log=log: log.append((old and 1, new and 1)))
        task = asyncio.ensure_future(informer.run())
        await informer.wait_synced()
        plain = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        await cluster.create(plain)
        await cluster.settle()
        assert seen == {"a": [], "b": []}
        await cluster.client.bind("default", "p", "b")
        await cluster.settle()
        assert seen == {"a": [], "b": [(None, 1)]}
        await cluster.client.delete(Pod, "p", "default", grace=0)
        await cluster.settle()
        assert seen["b"][-1] == (1, None)
        assert seen["a"] == []
        task.cancel()
        await asyncio.wait((task,))
