"""Leader election by a Lease: of several copies of a part only one acts, and another takes over when it is gone."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import NotFound, StatusError
from steersman.api.meta import format_micro_time
from steersman.client.rest import Client
from steersman.kinds.types.coordination_v1 import Lease, LeaseSpec
from steersman.kinds.types.meta_v1 import ObjectMeta

_log = logging.getLogger(__name__)
JITTER = 1.2


@dataclass(frozen=True, slots=True)
class Election:
    """Which Lease is fought for, as whom, and how fast; all durations in seconds.

    `lease_duration` is how long others wait after the last renewal they saw; a leader that has not renewed for
    `renew_deadline` stops acting, which is earlier, so that two never act at once.
    """

    namespace: str
    name: str
    identity: str
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0


class LostLeadership(Exception):
    """The lease could not be renewed in time: whatever needs it must stop at once."""


class LeaderElector:
    """Runs a function while holding a Lease.

    Clocks of different machines are not compared: a lease counts as held until it has been unchanged for its duration by
    our own clock since we last saw it change.
    """

    def __init__(self, client: Client, clock: Clock, election: Election) -> None:
        self._client = client
        self._clock = clock
        self._election = election
        self._seen: LeaseSpec | None = None
        self._seen_at = 0.0

    @property
    def leader(self) -> str:
        """The identity of the holder as last seen."""
        return (self._seen.holderIdentity or "") if self._seen is not None else ""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, then run `lead` while renewing it; raises LostLeadership when renewing fails.

        When `lead` ends or is cancelled the lease is given back.
        """
        while not await self._try():
            await self._clock.sleep(self._election.retry_period * random.uniform(1.0, JITTER))
        _log.info("%s leads %s", self._election.identity, self._election.name)
        lost: LostLeadership | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew())
                await tasks.create_task(_awaited(lead))
                renewing.cancel()
        except* LostLeadership as group:
            # Not raised here: early 3.11 would wrap it in a group again.
            lost = LostLeadership(str(group.exceptions[0]))
        finally:
            await self._release()
        if lost is not None:
            raise lost

    async def _renew(self) -> None:
        renewed = self._clock.monotonic()
        while True:
            await self._clock.sleep(self._election.retry_period)
            if await self._try():
                renewed = self._clock.monotonic()
            elif self._clock.monotonic() - renewed >= self._election.renew_deadline:
                raise LostLeadership(f"{self._election.name}: not renewed within {self._election.renew_deadline:g} s")

    async def _try(self) -> bool:
        """Take or renew the lease if it is free or ours; whether it is ours now."""
        try:
            return await self._take()
        except StatusError as e:
            _log.debug("lease %s: %s", self._election.name, e)
            return False

    async def _take(self) -> bool:
        mine = self._election
        try:
            lease = await self._client.get(Lease, mine.name, mine.namespace)
        except NotFound:
            lease = Lease(metadata=ObjectMeta(name=mine.name, namespace=mine.namespace), spec=self._spec(None))
            self._observe((await self._client.create(lease)).spec)
            return True
        if lease.spec != self._seen:
            self._observe(lease.spec)
        held = self._seen_at + (lease.spec.leaseDurationSeconds or 0) > self._clock.monotonic()
        if lease.spec.holderIdentity and lease.spec.holderIdentity != mine.identity and held:
            return False
        stored = await self._client.update(msgspec.structs.replace(lease, spec=self._spec(lease.spec)))
        self._observe(stored.spec)
        return True

    def _observe(self, spec: LeaseSpec) -> None:
        self._seen, self._seen_at = spec, self._clock.monotonic()

    def _spec(self, before: LeaseSpec | None) -> LeaseSpec:
        now = format_micro_time(self._clock.now())
        ours = before is not None and before.holderIdentity == self._election.identity
        transitions = (before.leaseTransitions or 0) if before is not None else 0
        return LeaseSpec(
            holderIdentity=self._election.identity,
            leaseDurationSeconds=int(self._election.lease_duration),
            acquireTime=before.acquireTime if before is not None and ours else now,
            renewTime=now,
            leaseTransitions=transitions if ours or before is None else transitions + 1,
        )

    async def _release(self) -> None:
        if self.leader != self._election.identity:
            return
        mine = self._election
        try:
            lease = await self._client.get(Lease, mine.name, mine.namespace)
            if lease.spec.holderIdentity == mine.identity:
                spec = msgspec.structs.replace(lease.spec, holderIdentity="", leaseDurationSeconds=1)
                await self._client.update(msgspec.structs.replace(lease, spec=spec))
        except StatusError as e:
            _log.debug("lease %s not released: %s", mine.name, e)


async def _awaited(lead: Callable[[], Awaitable[None]]) -> None:
    await lead()
