"""The shell: an API server in this process, and rules written into something that looks like nft."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from tests.proxy.builders import service, slice_of
from tests.proxy.conftest import SETTINGS, TIMEOUT, Machine

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.server import App
from steersman.client.rest import Client
from steersman.client.transport import InProcess
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.network.nft import NftError
from steersman.proxy.proxy import MIN_INTERVAL, RESYNC_INTERVAL, Proxy
from steersman.store.backends.memory import BACKEND

MASTER = User("admin", ("system:masters", "system:authenticated"))


class Recorder:
    """Takes every text; refuses while ``broken`` is set."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.broken = ""

    def run(self, text: str) -> str:
        if text.startswith("list "):
            return ""
        self.texts.append(text)
        if self.broken:
            raise NftError(self.broken)
        return ""

    def close(self) -> None:
        self.texts.clear()


class World:
    def __init__(self, app: App, clock: FakeClock) -> None:
        self.app = app
        self.clock = clock
        self.client = Client(InProcess(app.handle, MASTER))
        self.nft = Recorder()
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, nft: object | None = None, **more: object) -> Proxy:
        proxy = Proxy(self.client, self.clock, SETTINGS, nft or self.nft, **more)  # type: ignore[arg-type]
        self.tasks.append(asyncio.ensure_future(proxy.run()))
        await asyncio.wait_for(proxy.wait_synced(), TIMEOUT)
        return proxy

    async def until(self, condition: Callable[[], bool]) -> None:
        """Lets everything happen, time included, until the condition holds."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                await self.clock.advance(MIN_INTERVAL / 2, turns=5)
                # What nft and conntrack do takes the machine's time.
                await asyncio.to_thread(os.sched_yield)

    def written(self, part: str) -> bool:
        return any(part in text for text in self.nft.texts)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    clock = FakeClock()
    app = App(BACKEND.open("", clock), clock)
    await app.start()
    made = World(app, clock)
    made.tasks.append(asyncio.ensure_future(app.run()))
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    await app.close()
    await app.store.close()


def web(**spec: object) -> Service:
    return service(clusterIP="10.96.0.50", **spec)


async def test_changes_reach_the_kernel(world: World) -> None:
    proxy = await world.start()
    assert proxy.failure == ""
    await world.client.create(web())
    await world.until(lambda: world.written("add element ip steersman-test no-endpoint-ips { 10.96.0.50 . tcp . 80"))
    await world.client.create(slice_of("10.213.0.5"))
    await world.until(lambda: world.written("dnat ip to 10.213.0.5:8080"))
    await world.client.delete(Service, "web", "default")
    await world.until(lambda: world.written("delete chain ip steersman-test svc-"))


async def test_what_was_there_before_comes_with_the_first_transaction(world: World) -> None:
    await world.client.create(web())
    await world.client.create(slice_of("10.213.0.5"))
    await world.start()
    assert len(world.nft.texts) == 1
    assert world.written("dnat ip to 10.213.0.5:8080")


async def test_changes_that_come_together_share_a_transaction(world: World) -> None:
    await world.start()
    before = len(world.nft.texts)
    for number in range(10):
        created = service(f"web{number}", clusterIP=f"10.96.0.{60 + number}")
        await world.client.create(created)
    await world.until(lambda: world.written("10.96.0.69 . tcp . 80"))
    assert len(world.nft.texts) - before <= 3


async def test_a_refused_change_is_tried_again_as_a_whole(world: World) -> None:
    proxy = await world.start()
    world.nft.broken = "no such chain"
    await world.client.create(web())
    await world.until(lambda: proxy.failure == "no such chain")
    world.nft.broken = ""
    world.nft.texts.clear()
    await world.until(lambda: proxy.failure == "")
    assert world.nft.texts[0].startswith("add table ip steersman-test\n")
    assert world.written("10.96.0.50 . tcp . 80")


async def test_everything_is_written_anew_now_and_then(world: World) -> None:
    await world.start()
    world.nft.texts.clear()
    await world.clock.advance(RESYNC_INTERVAL + 1)
    await world.until(lambda: world.written("map service-ips"))


class InNamespace:
    """nft in the machine's node."""

    def __init__(self, machine: Machine) -> None:
        self.run = machine.nft

    def close(self) -> None:
        """The machine closes it."""


@pytest.mark.node
async def test_against_the_kernel(world: World, machine: Machine) -> None:
    one, two = machine.pod(5), machine.pod(6)
    for address in (one, two):
        machine.serve(address, 8080)
    conntrack = ["ip", "netns", "exec", machine.node, "conntrack"]
    await world.client.create(web())
    created = await world.client.create(slice_of(one))
    await world.start(InNamespace(machine), conntrack=conntrack)
    assert machine.ask(machine.space(two), "10.96.0.50", 80).startswith(one)
    created.endpoints = slice_of(two).endpoints
    await world.client.update(created)
    await world.until(lambda: machine.ask(machine.space(one), "10.96.0.50", 80).startswith(two))
    # A second proxy takes over the table as it is; and one whose base chains cannot be changed in place makes it anew.
    world.tasks[1].cancel()
    machine.nft("flush chain ip steersman-test services")
    await world.start(InNamespace(machine), conntrack=conntrack)
    assert machine.ask(machine.space(one), "10.96.0.50", 80).startswith(two)
    world.tasks[2].cancel()
    machine.nft("delete chain ip steersman-test nat-output")
    machine.nft("add chain ip steersman-test nat-output { type filter hook output priority 7; }")
    await world.start(InNamespace(machine), conntrack=conntrack)
    assert machine.ask(machine.node, "10.96.0.50", 80).startswith(two)


async def test_slices_without_a_service_do_nothing(world: World) -> None:
    orphan = slice_of("10.213.0.5")
    orphan.metadata.labels = None
    await world.client.create(orphan)
    await world.start()
    assert not world.written("10.213.0.5")
    await world.client.delete(EndpointSlice, orphan.metadata.name, "default")
