"""The DNS part's shell: follows Services, EndpointSlices and Namespaces into the zone, and serves it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from steersman.api.clock import Clock
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.dns.forward import Forwarder, parse_resolv_conf
from steersman.dns.publish import NAME, NAMESPACE, Publisher
from steersman.dns.records import service_records
from steersman.dns.responder import Responder
from steersman.dns.server import DnsServer
from steersman.dns.zone import Zone
from steersman.kinds.discovery.service_slices import service_keys
from steersman.kinds.types.core_v1 import Namespace, Service
from steersman.kinds.types.discovery_v1 import EndpointSlice

_BY_SERVICE = "service"
RESOLV_CONF_INTERVAL = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DnsSettings:
    """``ranges`` are the cluster's Service and pod ranges. ``cluster_dns`` is the Service address under which pods
    ask; empty makes no Service. ``advertise`` is the address that Service leads to, when it is not the first
    that the server listens on. ``resolv_conf`` names the upstream resolvers; None forwards nothing.
    """

    addresses: Sequence[str]
    port: int = 53
    domain: str = "cluster.local"
    ranges: Sequence[IPv4Network] = ()
    cluster_dns: str = ""
    advertise: str = ""
    resolv_conf: Path | None = None


class Dns:
    """The cluster's DNS. ``run`` ends only by cancellation, or with OSError when an address cannot be had."""

    def __init__(self, client: Client, clock: Clock, settings: DnsSettings) -> None:
        self._settings = settings
        self.zone = Zone(settings.domain, settings.ranges, settings.cluster_dns, serial=int(clock.time()) & 0xFFFFFFFF)
        self._clock = clock
        self.forwarder = Forwarder([], clock)
        self.responder = Responder(self.zone, self.forwarder)
        self._publisher = Publisher(client, clock, settings.cluster_dns) if settings.cluster_dns else None
        self._services = Informer(client, Service, clock)
        self._slices = Informer(client, EndpointSlice, clock)
        self._namespaces = Informer(client, Namespace, clock)
        self._slices.add_index(_BY_SERVICE, service_keys)
        self._listening = asyncio.Event()
        self.bound: list[tuple[str, int]] = []

    async def wait_ready(self) -> None:
        """Until the zone is complete and the sockets are open."""
        await self._listening.wait()
        for informer in (self._services, self._slices, self._namespaces):
            await informer.wait_synced()

    async def run(self) -> None:
        self._services.subscribe(self._service_changed)
        self._slices.subscribe(self._slice_changed)
        self._namespaces.subscribe(self._namespace_changed)
        server = DnsServer(self.responder)
        async with server.serve(self._settings.addresses, self._settings.port) as bound, asyncio.TaskGroup() as tasks:
            self.bound = bound
            self._listening.set()
            for informer in (self._services, self._slices, self._namespaces):
                tasks.create_task(informer.run())
            tasks.create_task(self._follow_resolv_conf())
            await self.wait_ready()
            self.responder.ready = True
            if self._publisher is not None:
                place = (self._settings.advertise or bound[0][0], bound[0][1])
                tasks.create_task(self._publisher.run(place, self._services, self._slices))
            _log.info("serving %s on %s", self.zone.domain, ", ".join(f"{host}:{port}" for host, port in bound))

    async def _follow_resolv_conf(self) -> None:
        """Takes up the machine's resolvers, now and when they change."""
        path = self._settings.resolv_conf
        own = frozenset([*self._settings.addresses, self._settings.cluster_dns])
        while path is not None:
            try:
                self.forwarder.set_servers(parse_resolv_conf(path.read_text(), own))
            except OSError as error:
                _log.warning("the resolvers stay as they are: %s", error)
            await self._clock.sleep(RESOLV_CONF_INTERVAL)

    # What changed

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        changed = new if new is not None else old
        if changed is not None:
            self._update(changed.metadata.namespace, changed.metadata.name)

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        for key in dict.fromkeys(key for piece in (old, new) if piece is not None for key in service_keys(piece)):
            namespace, _, name = key.partition("/")
            self._update(namespace, name)

    def _namespace_changed(self, old: Namespace | None, new: Namespace | None) -> None:
        changed = new if new is not None else old
        if changed is not None:
            self.zone.set_namespace(changed.metadata.name, present=new is not None)

    def _update(self, namespace: str, name: str) -> None:
        key = f"{namespace}/{name}"
        service = self._services.get(key)
        records = service_records(service, self._slices.by(_BY_SERVICE, key)) if service is not None else None
        self.zone.set_service(namespace, name, records)
        if self._publisher is not None and (namespace, name) == (NAMESPACE, NAME):
            self._publisher.look()
