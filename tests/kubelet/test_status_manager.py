"""Writing statuses over a real API server: only what changed, in order, whatever the watch tells late."""

import asyncio

import pytest

from steersman.api.clock import FakeClock
from steersman.api.codec import clone
from steersman.client.transport import Unreachable
from steersman.kinds.types.core_v1 import Pod, PodCondition, PodStatus
from steersman.kubelet.status_manager import StatusManager, status_patch
from steersman.testing import Cluster


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"phase": "Pending"}, {"phase": "Pending"}, {}),
        ({"phase": "Pending"}, {"phase": "Running"}, {"phase": "Running"}),
        ({"phase": "Failed", "reason": "x"}, {"phase": "Failed"}, {"reason": None}),
        (
            {"podIPs": [{"ip": "a"}]},
            {"podIPs": [{"ip": "b"}]},
            {"podIPs": [{"$patch": "replace"}, {"ip": "b"}]},
        ),
        (
            {"conditions": [{"type": "Ready", "status": "True", "reason": "x"}, {"type": "Initialized", "status": "True"}]},
            {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}]},
            {"conditions": [{"type": "Ready", "status": "False", "reason": None}]},
        ),
        # Other people's conditions are theirs.
        ({"conditions": [{"type": "example.com/x", "status": "True"}]}, {"conditions": [{"type": "example.com/x", "status": "False"}]}, {}),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, {}, {}),
    ],
)  # fmt: skip
def test_patch(old, new, patch):
    assert status_patch(old, new) == patch


class World:
    def __init__(self, cluster, manager):
        self.cluster, self.manager = cluster, manager

    async def pod(self):
        made = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        return (await self.cluster.create(made))[0]

    async def stored(self):
        await self.cluster.settle()
        return await self.cluster.client.get(Pod, "p", "default")


@pytest.fixture
async def world():
    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=FakeClock()) as cluster:
        manager = StatusManager(cluster.client, cluster.clock)
        task = asyncio.ensure_future(manager.run())
        yield World(cluster, manager)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_writes_and_answers_with_the_newest(world):
    made = await world.pod()
    uid = made.metadata.uid
    world.manager.set(made, PodStatus(phase="Running", podIP="10.0.0.1"))
    assert world.manager.get(uid).phase == "Running"
    await world.manager.wait_written(uid)
    assert (await world.stored()).status.phase == "Running"


async def test_the_same_status_is_not_written_twice(world):
    made = await world.pod()
    world.manager.set(made, PodStatus(phase="Running"))
    before = (await world.stored()).metadata.resourceVersion
    world.manager.set(made, PodStatus(phase="Running"))
    assert (await world.stored()).metadata.resourceVersion == before


async def test_a_superseded_status_is_not_waited_for(world):
    """No time passes: what came while another was written follows at once."""
    made = await world.pod()
    for phase in ("Pending", "Running", "Succeeded"):
        world.manager.set(made, PodStatus(phase=phase))
        await asyncio.sleep(0)
    assert (await world.stored()).status.phase == "Succeeded"
    assert world.cluster.clock.monotonic() == 0


async def test_a_late_watch_event_does_not_hide_a_change(world):
    made = await world.pod()
    world.manager.set(made, PodStatus(phase="Running", podIP="10.0.0.1"))
    old = await world.stored()
    world.manager.set(made, PodStatus(phase="Running", podIP="10.0.0.2"))
    await world.stored()
    # The watch shows the first write only now, and the status goes back to it.
    world.manager.observe(old)
    world.manager.set(made, PodStatus(phase="Running", podIP="10.0.0.1"))
    assert (await world.stored()).status.podIP == "10.0.0.1"


async def test_what_somebody_else_changed_is_said_again(world):
    made = await world.pod()
    world.manager.set(made, PodStatus(phase="Running", podIP="10.0.0.1"))
    await world.stored()
    await world.cluster.client.patch(Pod, "p", {"status": {"podIP": "6.6.6.6"}}, "default", subresource="status")
    world.manager.observe(await world.stored())
    assert (await world.stored()).status.podIP == "10.0.0.1"


async def test_other_peoples_conditions_stay(world):
    made = await world.pod()
    gate = {"status": {"conditions": [{"type": "example.com/lb", "status": "True"}]}}
    await world.cluster.client.patch(Pod, "p", gate, "default", kind="strategic", subresource="status")
    world.manager.set(made, PodStatus(phase="Running", conditions=[PodCondition(type="Ready", status="True")]))
    assert {c.type: c.status for c in (await world.stored()).status.conditions} == {
        "example.com/lb": "True",
        "Ready": "True",
    }


async def test_a_pod_that_is_gone_is_nobodys_trouble(world):
    made = await world.pod()
    await world.cluster.client.delete(Pod, "p", "default", grace=0)
    world.manager.set(made, PodStatus(phase="Running"))
    await world.manager.wait_written(made.metadata.uid)


async def test_another_pod_of_that_name_is_left_alone(world):
    old = await world.pod()
    await world.cluster.client.delete(Pod, "p", "default", grace=0)
    await world.pod()
    world.manager.set(old, PodStatus(phase="Failed"))
    await world.manager.wait_written(old.metadata.uid)
    assert (await world.stored()).status.phase == "Pending"


async def test_an_api_server_that_is_down_is_asked_again(world, monkeypatch):
    made = clone(await world.pod())
    patch, failures = world.cluster.client.patch, [1, 2, 3]

    async def flaky(*args, **kwargs):
        if failures:
            failures.pop()
            raise Unreachable("down")
        return await patch(*args, **kwargs)

    monkeypatch.setattr(world.cluster.client, "patch", flaky)
    world.manager.set(made, PodStatus(phase="Running"))
    assert (await world.stored()).status.phase == "Pending"
    await world.cluster.advance(5)
    assert (await world.stored()).status.phase == "Running"


async def test_forgotten(world):
    made = await world.pod()
    world.manager.set(made, PodStatus(phase="Running"))
    world.manager.forget(made.metadata.uid)
    assert world.manager.get(made.metadata.uid) is None
    await world.manager.wait_written(made.metadata.uid)
