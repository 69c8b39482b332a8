"""A kubelet's own certificates: asked for when there is none, in time before the end, and when somebody wants another."""

from __future__ import annotations

import asyncio
import stat
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from steersman.api.clock import FakeClock
from steersman.controller.config import ControllerConfig
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from steersman.kubelet.certificates import Keeper, Span, client_purpose, serving_purpose
from steersman.pki import certs, inventory, requests
from steersman.pki.files import wish
from steersman.testing import Cluster

START = FakeClock().now()
CA, OTHER_CA = certs.new_ca("ca", START), certs.new_ca("other", START)
HOSTS = ("node-1", "10.0.0.1")
CONTROLLERS = ("csrapproving", "kubeletservingapproving", "csrsigning")


@dataclass
class World:
    cluster: Cluster
    clock: FakeClock
    folder: Path
    authorities: Path

    def keeper(self, *, serving: bool = False, share: float = 0.5) -> Keeper:
        purpose = serving_purpose("node-1", HOSTS) if serving else client_purpose("node-1")
        return Keeper(purpose, self.folder, self.authorities, self.clock, lambda: share)

    def node(self):
        return self.cluster.client_for("system:node:node-1", ["system:nodes", "system:authenticated"])

    async def requests(self) -> list[CertificateSigningRequest]:
        return (await self.cluster.client.list(CertificateSigningRequest)).items


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    (tmp_path / "ca.crt").write_bytes(CA.cert)
    config = ControllerConfig(signing_authority=(CA.cert, CA.key), node_hosts={"node-1": HOSTS})
    async with Cluster(
        nodes=0, controllers=CONTROLLERS, scheduler=False, clock=clock, controller_config=config
    ) as cluster:
        yield World(cluster, clock, tmp_path / "pki", tmp_path / "ca.crt")


@pytest.mark.parametrize(("share", "days"), [(0.0, 70), (0.5, 80), (1.0, 90)])
def test_when_the_next_one_is_asked_for(share: float, days: int) -> None:
    assert Span(START, START + timedelta(days=100)).renewal(share) == START + timedelta(days=days)


@pytest.mark.parametrize("serving", [False, True])
async def test_a_first_certificate(world: World, serving: bool) -> None:
    keeper = world.keeper(serving=serving)
    assert keeper.current() is None
    await keeper.ensure(world.node())
    found = inventory.describe(keeper.file.read_bytes())[0]
    assert found.subject == "CN=system:node:node-1,O=system:nodes"
    assert found.purposes == (("server",) if serving else ("client",))
    assert found.names == (HOSTS if serving else ())
    assert b"PRIVATE KEY" in keeper.file.read_bytes()
    assert stat.S_IMODE(keeper.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    # Once is enough.
    await keeper.ensure(world.node())
    assert len(await world.requests()) == 1


async def test_what_a_file_is_good_for(world: World) -> None:
    keeper, serving = world.keeper(), world.keeper(serving=True)
    world.folder.mkdir()
    for ca, name, when, good in (
        (CA, "system:node:node-1", START, True),
        (CA, "system:node:node-2", START, False),
        (OTHER_CA, "system:node:node-1", START, False),
        (CA, "system:node:node-1", START - timedelta(days=400), False),
    ):
        pair = certs.issue(ca, certs.Request(name, ("system:nodes",)), when)
        for each in (keeper, serving):
            each.file.write_bytes(pair.cert + pair.key)
        assert (keeper.current() is not None) is good
        # It names none of the hosts.
        assert serving.current() is None
    keeper.file.write_bytes(b"nonsense")
    assert keeper.current() is None


async def test_it_is_replaced_in_time_and_when_wished(world: World) -> None:
    keeper = world.keeper()
    await keeper.ensure(world.node())
    task = asyncio.ensure_future(keeper.keep(world.node()))
    seen = [keeper.file.read_bytes()]

    async def another() -> None:
        await world.cluster.wait_for(lambda: keeper.file.read_bytes() not in seen)
        seen.append(keeper.file.read_bytes())

    wish(keeper.file).write_bytes(b"")
    await another()
    assert not wish(keeper.file).exists()
    keeper.file.unlink()
    await world.cluster.wait_for(lambda: keeper.file.exists())
    seen.append(keeper.file.read_bytes())
    span = keeper.current()
    assert span is not None
    assert span.renewal(0.5) > world.clock.now()
    task.cancel()
    # At its time: the clock of a keeper that begins then.
    pair = certs.issue(CA, certs.Request("system:node:node-1", ("system:nodes",)), START - timedelta(days=300))
    keeper.file.write_bytes(pair.cert + pair.key)
    seen.append(keeper.file.read_bytes())
    assert keeper.current() is not None
    task = asyncio.ensure_future(keeper.keep(world.node()))
    await another()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_signed_by_one_who_does_not_count_is_no_flood_of_requests(world: World) -> None:
    keeper = world.keeper()
    world.authorities.write_bytes(OTHER_CA.cert)
    task = asyncio.ensure_future(keeper.keep(world.node()))
    await world.cluster.wait_for(keeper.file.exists)
    await world.cluster.settle()
    assert len(await world.requests()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_denied_request_is_made_again(tmp_path: Path) -> None:
    """People decide here, and change their mind."""
    clock = FakeClock()
    (tmp_path / "ca.crt").write_bytes(CA.cert)
    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=clock) as cluster:
        keeper = Keeper(client_purpose("node-1"), tmp_path, tmp_path / "ca.crt", clock)
        node = cluster.client_for("system:node:node-1", ["system:nodes", "system:authenticated"])
        task = asyncio.ensure_future(keeper.ensure(node))

        async def decide(count: int, kind: str) -> CertificateSigningRequest:
            async def asked() -> CertificateSigningRequest | None:
                items = (await cluster.client.list(CertificateSigningRequest)).items
                new = [r for r in items if not r.status.conditions]
                return new[0] if len(items) == count and new else None

            found = await cluster.wait_for(asked)
            assert found is not None
            condition = CertificateSigningRequestCondition(type=kind, status="True", reason="Test", message="so")
            found.status.conditions = [condition]
            return await cluster.client.update(found, "approval")

        await decide(1, "Denied")
        found = await decide(2, "Approved")
        pem = requests.sign(CA, b64decode(found.spec.request), ["client auth"], clock.now(), timedelta(days=1))
        found.status.certificate = b64encode(pem).decode()
        await cluster.client.update_status(found)
        await cluster.wait_for(lambda: task.done())
        await task
        assert keeper.current() is not None
