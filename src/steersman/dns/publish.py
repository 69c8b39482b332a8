"""The Service under which pods reach the DNS server: kept as it must be while the server runs."""

import asyncio
import logging

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.kinds.discovery.service_slices import MANAGED_BY, SERVICE_NAME
from steersman.kinds.types.core_v1 import Service, ServicePort, ServiceSpec
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from steersman.kinds.types.meta_v1 import ObjectMeta

NAMESPACE, NAME = "kube-system", "kube-dns"
PORT = 53
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0

_LABELS = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "DNS"}
_SLICE_LABELS = {
    SERVICE_NAME: NAME,
    MANAGED_BY: "dns.steersman",
    "k8s-app": "kube-dns",
}
_PROTOCOLS = (("dns", "UDP"), ("dns-tcp", "TCP"))

_log = logging.getLogger(__name__)


def wanted_service(cluster_ip: str) -> Service:
    """Without a selector: no pod stands behind it, so no controller touches its endpoints."""
    ports = [ServicePort(name=name, port=PORT, protocol=protocol, targetPort=PORT) for name, protocol in _PROTOCOLS]
    return Service(
        metadata=ObjectMeta(name=NAME, namespace=NAMESPACE, labels=dict(_LABELS)),
        spec=ServiceSpec(type="ClusterIP", clusterIP=cluster_ip, ports=ports),
    )


def wanted_slice(address: str, port: int) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(name=NAME, namespace=NAMESPACE, labels=dict(_SLICE_LABELS)),
        addressType="IPv6" if ":" in address else "IPv4",
        endpoints=[Endpoint(addresses=[address], conditions=EndpointConditions(ready=True))],
        ports=[EndpointPort(name=name, port=port, protocol=protocol) for name, protocol in _PROTOCOLS],
    )


def mended_slice(present: EndpointSlice, wanted: EndpointSlice) -> EndpointSlice | None:
    """What to write when the slice that is there leads elsewhere; None when it is right."""
    addresses = [endpoint.addresses for endpoint in present.endpoints or ()]
    ports = {(port.name, port.port, port.protocol) for port in present.ports or ()}
    right = {(port.name, port.port, port.protocol) for port in wanted.ports or ()}
    if addresses == [endpoint.addresses for endpoint in wanted.endpoints or ()] and ports == right:
        return None
    return msgspec.structs.replace(present, endpoints=wanted.endpoints, ports=wanted.ports)


class Publisher:
    """Makes the Service when it is missing (a user's changes to it stay), and keeps its endpoints at this server."""

    def __init__(self, client: Client, clock: Clock, cluster_ip: str) -> None:
        self._client = client
        self._clock = clock
        self._cluster_ip = cluster_ip
        self._wake = asyncio.Event()
        self._wake.set()

    def look(self) -> None:
        """Something about the Service changed."""
        self._wake.set()

    async def run(self, bound: tuple[str, int], services: Informer[Service], slices: Informer[EndpointSlice]) -> None:
        """Until cancelled. ``bound`` is the server's (address, port) as pods can dial it; both informers are complete."""
        key, retry = f"{NAMESPACE}/{NAME}", FIRST_RETRY
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if services.get(key) is None:
                    await self._client.create(wanted_service(self._cluster_ip))
                await self._endpoints(slices.get(key), wanted_slice(*bound))
            except StatusError as error:
                # Also what another writer was faster with: the informer will show it.
                _log.info("the DNS service is not published yet: %s", error)
                self._wake.set()
                await self._clock.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY)
            else:
                retry = FIRST_RETRY

    async def _endpoints(self, present: EndpointSlice | None, wanted: EndpointSlice) -> None:
        if present is None:
            await self._client.create(wanted)
            return
        mended = mended_slice(present, wanted)
        if mended is not None:
            await self._client.update(mended)
