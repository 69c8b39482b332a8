"""Leader election over the real API server: one leads, another takes over."""

import asyncio

import pytest

from steersman.client.leaderelection import Election, LeaderElector, LostLeadership
from steersman.client.transport import Unreachable
from steersman.kinds.types.coordination_v1 import Lease


class Candidate:
    def __init__(self, world, name):
        self.leads = 0
        self.elector = LeaderElector(world.client, world.clock, Election("kube-system", "part", name))
        self.task = asyncio.ensure_future(self.elector.run(self.lead))

    async def lead(self):
        self.leads += 1
        await asyncio.get_running_loop().create_future()

    async def stop(self):
        self.task.cancel()
        return (await asyncio.gather(self.task, return_exceptions=True))[0]


@pytest.fixture
async def two(world):
    first = Candidate(world, "a")
    await world.clock.advance(1, turns=100)
    second = Candidate(world, "b")
    await world.clock.advance(30, turns=100)
    yield world, first, second
    await first.stop()
    await second.stop()


async def lease(world):
    return (await world.client.get(Lease, "part", "kube-system")).spec


async def test_only_one_leads(two):
    world, first, second = two
    assert (first.leads, second.leads) == (1, 0)
    assert second.elector.leader == "a"
    assert (await lease(world)).holderIdentity == "a"


async def test_a_leader_that_stops_gives_the_lease_back(two):
    world, first, second = two
    await first.stop()
    await world.clock.advance(5, turns=100)
    assert second.leads == 1
    assert (await lease(world)).leaseTransitions == 1


async def test_a_leader_that_cannot_renew_stops(two, monkeypatch):
    world, first, second = two

    class Cut:
        """Nothing gets through any more."""

        async def get(self, *_):
            raise Unreachable("cut off")

    monkeypatch.setattr(first.elector, "_client", Cut())
    await world.clock.advance(14, turns=100)
    assert isinstance(await first.stop(), LostLeadership)
    assert second.leads == 0
    await world.clock.advance(20, turns=100)
    assert second.leads == 1
