"""Where requests go that are proxied to a pod, a service or a node: never to the machine of the API server itself, nor to where
only its neighbours on the link answer, whatever objects say."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest, ServiceUnavailable
from steersman.apiserver import podlocation, serviceendpoints
from steersman.apiserver.backend import Target
from steersman.kinds.discovery.service_slices import ready_ports
from steersman.kinds.types.core_v1 import Pod, Service
from steersman.kinds.types.discovery_v1 import Endpoint
from steersman.pki import trust

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch
_MAX_PORT = 65535
_NOT_ALLOWED = "address not allowed"
_BROADCAST = IPv4Address("255.255.255.255")


def is_allowed(address: str) -> bool:
    """Whether requests may be passed on to an address: a unicast one that is valid beyond one machine and one link."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            return False
        ip = ip.ipv4_mapped or ip
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == _BROADCAST)


def pod(app: App, namespace: str, name: str, port: str) -> Target:
    """A port of a pod, by number or name; without one, its first. Raises NotFound, BadRequest."""
    found = podlocation.pod(app, namespace, name)
    number = int(port) if _NUMBER(port) else 0
    if not number:
        ports = [p for c in found.spec.containers for p in c.ports or () if not port or p.name == port]
        if port and not ports:
            raise BadRequest(f'no port "{port}" in pod "{name}"')
        number = ports[0].containerPort if ports else 80
    if number > _MAX_PORT:
        raise BadRequest(f'invalid port "{port}"')
    if not is_allowed(found.status.podIP):
        raise BadRequest(_NOT_ALLOWED)
    return Target(found.status.podIP, number)


def service(app: App, namespace: str, name: str, port: str) -> Target:
    """One ready endpoint of the service's port, at random: by number, by name, or the one without a name. Raises NotFound,
    ServiceUnavailable."""
    if _NUMBER(port):
        found: Service = app.registries.of(Service).get(namespace, name)
        names = [p.name for p in found.spec.ports or () if p.port == int(port)]
        if not names:
            raise ServiceUnavailable(f'no service port {int(port)} found for service "{name}"')
        port = names[0]
    candidates = [
        (address, number)
        for piece in serviceendpoints.slices(app.registries, namespace, name)
        for endpoint, number in ready_ports(piece, port)
        for address in endpoint.addresses
        if _is_pods(app, namespace, endpoint, address)
    ]
    if not candidates:
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')
    host, port_number = random.choice(candidates)
    return Target(host, port_number)


def _is_pods(app: App, namespace: str, endpoint: Endpoint, address: str) -> bool:
    """Whether a pod has the address: who may write endpoints must not choose whom the API server speaks to."""
    target = endpoint.targetRef
    if target is None or target.namespace != namespace or not is_allowed(address):
        return False
    found: Pod | None = app.registries.get(Pod, namespace, target.name)
    return found is not None and (
        address == found.status.podIP or any(one.ip == address for one in found.status.podIPs or ())
    )


async def node(app: App, name: str, port: str) -> Target:
    """A node's kubelet, or another port of the node. Raises NotFound, BadRequest."""
    kubelet = podlocation.kubelet(app, name)
    if port in ("", str(kubelet.port)):
        return kubelet
    number = int(port) if _NUMBER(port) else 0
    if not 0 < number <= _MAX_PORT:
        raise BadRequest(f'invalid port "{port}"')
    addresses = await _resolved(kubelet.host)
    if not addresses or not all(is_allowed(address) for address in addresses):
        raise BadRequest(_NOT_ALLOWED)
    # The address that was looked at: asked again, the name might have another one.
    return Target(addresses[0], number)


async def _resolved(host: str) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadRequest(f"lookup {host}: {error.strerror or error}") from error
    return [str(entry[4][0]) for entry in found]


def encrypted(target: Target) -> Target:
    """The same by TLS. What is there has certificates of its own making: not verified, as upstream."""
    return Target(target.host, target.port, trust.anybody())
