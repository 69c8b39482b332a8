"""Looking at the runtime: which pods changed, told once, and what one pod has."""

from steersman.api.clock import FakeClock
from steersman.kubelet.pleg import Pleg
from steersman.kubelet.pod_state import POD_UID
from steersman.kubelet.runtime.fake import FakeRuntime
from steersman.kubelet.runtime.types import ContainerConfig, PodSandboxConfig


class World:
    def __init__(self):
        self.clock = FakeClock()
        self.runtime = FakeRuntime(self.clock, "10.1.0.0/24")
        self.pleg = Pleg(self.runtime)

    async def sandbox(self, uid, attempt=0):
        config = PodSandboxConfig(name=uid, uid=uid, namespace="default", attempt=attempt, labels={POD_UID: uid})
        return await self.runtime.run_pod_sandbox(config), config

    async def container(self, sandbox, config, name="c", attempt=0, ends=False):
        await self.runtime.pull_image("web:1")
        wanted = ContainerConfig(
            name=name, attempt=attempt, image="web:1", labels={POD_UID: config.uid}, run_to_completion=ends
        )
        id = await self.runtime.create_container(sandbox, wanted, config)
        await self.runtime.start_container(id)
        return id


async def test_each_change_is_told_once():
    world = World()
    assert await world.pleg.relist() == set()
    sandbox, config = await world.sandbox("u1")
    await world.sandbox("u2")
    assert await world.pleg.relist() == {"u1", "u2"}
    assert await world.pleg.relist() == set()
    id = await world.container(sandbox, config)
    assert await world.pleg.relist() == {"u1"}
    await world.runtime.stop_container(id, 0)
    assert await world.pleg.relist() == {"u1"}
    await world.runtime.remove_pod_sandbox(sandbox)
    assert await world.pleg.relist() == {"u1"}
    assert world.pleg.known == {"u2"}


async def test_a_container_that_ends_by_itself():
    world = World()
    await world.container(*await world.sandbox("u1"), ends=True)
    await world.pleg.relist()
    await world.clock.advance(5)
    assert await world.pleg.relist() == {"u1"}


async def test_what_one_pod_has():
    world = World()
    sandbox, config = await world.sandbox("u1")
    await world.sandbox("u2")
    first = await world.container(sandbox, config)
    await world.runtime.stop_container(first, 0)
    second = await world.container(sandbox, config, attempt=1)
    state = await world.pleg.refresh("u1")
    assert [c.id for c in state.containers] == [second, first]
    assert state.latest("c").id == second
    assert state.previous("c").id == first
    assert state.ready_sandbox.id == sandbox
    assert state.sandbox_of == {first: sandbox, second: sandbox}
    assert not state.empty
    assert (await world.pleg.refresh("none")).empty


async def test_only_the_newest_sandbox_counts():
    world = World()
    old, _ = await world.sandbox("u1")
    new, _ = await world.sandbox("u1", attempt=1)
    await world.runtime.stop_pod_sandbox(new)
    state = await world.pleg.refresh("u1")
    assert [s.id for s in state.sandboxes] == [new, old]
    assert state.ready_sandbox is None
