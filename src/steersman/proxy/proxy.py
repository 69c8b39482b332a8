"""The proxy's shell: follows Services and EndpointSlices, and brings the kernel's rules up to the plan, a transaction at a time."""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from steersman.api.clock import Clock
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.kinds.discovery.service_slices import HEADLESS, service_keys
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.network.errors import NetworkError
from steersman.network.nft import Nft, NftError, open_nft
from steersman.proxy.conntrack import delete_flows, stale_flows
from steersman.proxy.frame import frame
from steersman.proxy.plan import (
    PROXY_NAME_LABEL,
    Front,
    ServicePlan,
    combine,
    plan_service,
)
from steersman.proxy.ruleset import Change, RuleSet, declared, diff, load
from steersman.proxy.settings import ProxySettings

# Changes that come closer together than this share a transaction.
MIN_INTERVAL = 0.05
# The whole table is written anew this often, in case somebody else changed it.
RESYNC_INTERVAL = 600.0
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0

_SELECTOR = f"!{PROXY_NAME_LABEL},!{HEADLESS}"
_BY_SERVICE = "service"

_log = logging.getLogger(__name__)


class Proxy:
    """Keeps the table ``ip <settings.table>`` of this network namespace in step with the cluster's Services.

    ``run`` ends only by cancellation; the rules stay then, so that connections go on while a proxy restarts.
    The process needs root.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        settings: ProxySettings,
        nft: Nft | None = None,
        conntrack: Sequence[str] = ("conntrack",),
    ) -> None:
        """``nft`` and the ``conntrack`` command are by default those of this process's namespace."""
        self._clock = clock
        self._settings = settings
        self._conntrack = conntrack
        self._frame = frame(settings)
        self._nft = nft if nft is not None else open_nft()
        self._services = Informer(client, Service, clock, labels=_SELECTOR)
        self._slices = Informer(client, EndpointSlice, clock, labels=_SELECTOR)
        self._slices.add_index(_BY_SERVICE, service_keys)
        self._plans: dict[str, ServicePlan] = {}
        self._loaded: RuleSet | None = None
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._written = asyncio.Event()
        self._failure = ""

    @property
    def failure(self) -> str:
        """Why the rules are behind the cluster; empty when they are not. For health checks."""
        return self._failure if self._failure or self._written.is_set() else "no rules written yet"

    async def wait_synced(self) -> None:
        """Until the first complete set of rules is in the kernel."""
        await self._written.wait()

    async def run(self) -> None:
        self._services.subscribe(self._service_changed)
        self._slices.subscribe(self._slice_changed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._services.run())
            tasks.create_task(self._slices.run())
            tasks.create_task(self._resync())
            tasks.create_task(self._follow())

    # What changed

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        for service in (old, new):
            if service is not None:
                self._mark([f"{service.metadata.namespace}/{service.metadata.name}"])

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        for piece in (old, new):
            if piece is not None:
                self._mark(service_keys(piece))

    def _mark(self, keys: Iterable[str]) -> None:
        self._dirty.update(keys)
        self._wake.set()

    async def _resync(self) -> None:
        while True:
            await self._clock.sleep(RESYNC_INTERVAL)
            self._loaded = None
            self._wake.set()

    # Bringing the kernel up to date

    async def _follow(self) -> None:
        await self._services.wait_synced()
        await self._slices.wait_synced()
        self._wake.set()
        retry = FIRST_RETRY
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._sync()
            except NetworkError as error:
                _log.warning("service rules not written, again in %g s: %s", retry, error)
                self._failure = str(error)
                # What the kernel holds now is unknown.
                self._loaded = None
                self._wake.set()
                await self._clock.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY)
            else:
                self._failure = ""
                retry = FIRST_RETRY
                self._written.set()
                await self._clock.sleep(MIN_INTERVAL)

    async def _sync(self) -> None:
        before, after = self._replan()
        wanted = combine(self._plans.values())
        if self._loaded is None:
            await self._load(wanted)
        else:
            await self._apply(diff(self._settings.table, self._loaded, wanted))
        first = not self._written.is_set()
        self._loaded = wanted
        # At the start nothing is known about the flows there are: they keep the endpoints they have.
        for arguments in [] if first else stale_flows(before, after):
            await delete_flows(arguments, self._conntrack)

    def _replan(self) -> tuple[dict[Front, frozenset[str]], dict[Front, frozenset[str]]]:
        """Plans the services anew that something happened to; returns their UDP fronts before and after."""
        before: dict[Front, frozenset[str]] = {}
        after: dict[Front, frozenset[str]] = {}
        dirty, self._dirty = self._dirty, set()
        for key in dirty:
            old = self._plans.pop(key, None)
            if old is not None:
                before.update(old.udp)
            service = self._services.get(key)
            if service is not None:
                new = plan_service(service, self._slices.by(_BY_SERVICE, key), self._settings)
                self._plans[key] = new
                after.update(new.udp)
        return before, after

    async def _load(self, wanted: RuleSet) -> None:
        table = self._settings.table
        try:
            await self._apply(load(table, self._frame, wanted, await self._present()))
        except NftError as error:
            # A base chain that another version declared otherwise cannot be changed in place.
            _log.info("table %s is made anew: %s", table, error)
            fresh = load(table, self._frame, wanted, {})
            await self._apply(Change(f"add table ip {table}\ndelete table ip {table}\n{fresh.text}", ""))

    async def _present(self) -> dict[str, str]:
        try:
            return declared(await asyncio.to_thread(self._nft.run, f"list table ip {self._settings.table}\n"))
        except NftError:
            return {}  # there is no such table yet

    async def _apply(self, change: Change) -> None:
        for text in (change.text, change.cleanup):
            if text:
                await asyncio.to_thread(self._nft.run, text)
