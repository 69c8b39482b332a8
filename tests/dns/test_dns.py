"""The shell: an API server in this process, questions over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import IPv4Network
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import pytest_asyncio
from tests.dns.builders import TIMEOUT, endpoint, headless, service, slice_of

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.server import App
from steersman.client.rest import Client
from steersman.client.transport import InProcess
from steersman.dns.dns import RESOLV_CONF_INTERVAL, Dns, DnsSettings
from steersman.dns.publish import FIRST_RETRY
from steersman.kinds.types.core_v1 import Namespace, Service
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.store.backends.memory import BACKEND

MASTER = User("admin", ("system:masters", "system:authenticated"))
ADVERTISED = "10.64.0.1"
RANGES = (IPv4Network("10.96.0.0/16"), IPv4Network("10.244.0.0/16"))


class World:
    def __init__(self, app: App, clock: FakeClock) -> None:
        self.app = app
        self.clock = clock
        self.client = Client(InProcess(app.handle, MASTER))
        self.dns: Dns | None = None
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, cluster_dns: str = "", resolv_conf: Path | None = None) -> Dns:
        settings = DnsSettings(
            addresses=["127.0.0.1"],
            port=0,
            ranges=RANGES,
            cluster_dns=cluster_dns,
            advertise=ADVERTISED,
            resolv_conf=resolv_conf,
        )
        self.dns = Dns(self.client, self.clock, settings)
        self.tasks.append(asyncio.ensure_future(self.dns.run()))
        await asyncio.wait_for(self.dns.wait_ready(), TIMEOUT)
        await self.turn()
        return self.dns

    async def turn(self) -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    async def ask(self, name: str, kind: str = "A") -> list[str] | str:
        """The records' data, or the name of the error."""
        assert self.dns is not None
        await self.turn()
        [(host, port)] = self.dns.bound
        answer = await dns.asyncquery.udp(dns.message.make_query(name, kind), host, port=port, timeout=TIMEOUT)
        if answer.rcode() != dns.rcode.NOERROR:
            return dns.rcode.to_text(answer.rcode())
        return [record.to_text() for each in answer.answer for record in each]


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    clock = FakeClock()
    app = App(BACKEND.open("", clock), clock)
    await app.start()
    made = World(app, clock)
    made.tasks.append(asyncio.ensure_future(app.run()))
    await made.client.create(Namespace(metadata=ObjectMeta(name="shop")))
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    await app.close()
    await app.store.close()


async def test_names_follow_the_cluster(world: World) -> None:
    await world.client.create(service())
    await world.start()
    assert await world.ask("web.shop.svc.cluster.local") == ["10.96.0.7"]
    assert await world.ask("7.0.96.10.in-addr.arpa", "PTR") == ["web.shop.svc.cluster.local."]
    assert await world.ask("db.shop.svc.cluster.local") == "NXDOMAIN"
    await world.client.create(headless())
    created = await world.client.create(slice_of(endpoint("10.244.0.5", "db-0")))
    assert await world.ask("db.shop.svc.cluster.local") == ["10.244.0.5"]
    assert await world.ask("db-0.db.shop.svc.cluster.local") == ["10.244.0.5"]
    created.endpoints = [endpoint("10.244.0.6", "db-0")]
    await world.client.update(created)
    assert await world.ask("db-0.db.shop.svc.cluster.local") == ["10.244.0.6"]
    await world.client.delete(Service, "web", "shop")
    assert await world.ask("web.shop.svc.cluster.local") == "NXDOMAIN"


async def test_pod_names_need_their_namespace(world: World) -> None:
    await world.start()
    assert await world.ask("10-244-0-5.shop.pod.cluster.local") == ["10.244.0.5"]
    assert await world.ask("10-244-0-5.nowhere.pod.cluster.local") == "NXDOMAIN"
    await world.client.create(Namespace(metadata=ObjectMeta(name="nowhere")))
    assert await world.ask("10-244-0-5.nowhere.pod.cluster.local") == ["10.244.0.5"]


async def test_the_service_of_the_server_is_made_and_kept(world: World) -> None:
    made = await world.start("10.96.0.10")
    [(_, port)] = made.bound

    async def present(type_: type[Service] | type[EndpointSlice]) -> Service | EndpointSlice | None:
        found = await world.client.list(type_, "kube-system")  # type: ignore[type-var]
        return found.items[0] if found.items else None

    async def wait_for(type_: type[Service] | type[EndpointSlice]) -> Service | EndpointSlice:
        for _ in range(200):
            found = await present(type_)
            if found is not None:
                return found
            await world.clock.advance(FIRST_RETRY, turns=10)
        raise AssertionError(f"no {type_.__name__}")

    found = await wait_for(Service)
    assert isinstance(found, Service)
    assert found.spec.clusterIP == "10.96.0.10"
    piece = await wait_for(EndpointSlice)
    assert isinstance(piece, EndpointSlice)
    assert [each.addresses for each in piece.endpoints or ()] == [[ADVERTISED]]
    assert {(each.name, each.protocol, each.port) for each in piece.ports or ()} == {
        ("dns", "UDP", port),
        ("dns-tcp", "TCP", port),
    }
    assert await world.ask("kube-dns.kube-system.svc.cluster.local") == ["10.96.0.10"]
    piece.endpoints = [endpoint("10.244.0.9")]
    await world.client.update(piece)
    await world.client.delete(Service, "kube-dns", "kube-system")
    for _ in range(200):
        service_again, piece_again = await present(Service), await present(EndpointSlice)
        if service_again is not None and isinstance(piece_again, EndpointSlice):
            right = [each.addresses for each in piece_again.endpoints or ()] == [[ADVERTISED]]
            if right:
                break
        await world.clock.advance(FIRST_RETRY, turns=10)
    else:
        raise AssertionError("the endpoints were not mended")


async def test_resolvers_are_read_again(world: World, tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    made = await world.start(resolv_conf=conf)
    assert await world.ask("example.com") == "SERVFAIL"
    conf.write_text("nameserver 192.0.2.1\nnameserver 127.0.0.1\n")
    await world.clock.advance(RESOLV_CONF_INTERVAL)
    assert [server.address for server in made.forwarder.servers] == ["192.0.2.1"]
