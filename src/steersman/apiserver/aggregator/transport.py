"""Connections to aggregated servers: an endpoint of the service, TLS with the front proxy's certificate, who asks in headers."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from steersman.api.errors import StatusError
from steersman.api.http import User
from steersman.api.identities import MASTERS
from steersman.apiserver import serviceendpoints
from steersman.apiserver.aggregator.remote import Place
from steersman.apiserver.backend import Answer, Backends, Target, read_limited
from steersman.apiserver.config import ProxyClient
from steersman.apiserver.frontproxy import headers_of
from steersman.apiserver.registries import Registries
from steersman.apiserver.webhook.failures import reason_of
from steersman.kinds.types.core_v1 import Service
from steersman.pki import trust

AGGREGATOR = User("system:kube-aggregator", (MASTERS,))
"""Who asks when this server itself wants to know something. A member of system:masters is refused nothing."""

# Of an answer to this server itself, in bytes: documents that describe whole APIs are the largest.
_LIMIT = 64 * 1024 * 1024
_ROUTED = ("ClusterIP", "NodePort", "LoadBalancer")


class Unresolved(Exception):
    """A service that leads nowhere; the text says why."""


class Untrusted(Exception):
    """A configuration from which no TLS can be made; the text says why."""


class Failed(Exception):
    """A request without an answer; the text says why, as Go's HTTP client does."""


class Connector:
    """Finds aggregated servers, and asks them on this server's own behalf."""

    def __init__(self, registries: Registries, backends: Backends, client: ProxyClient | None) -> None:
        self._registries = registries
        self._backends = backends
        self._client = client

    def targets(self, place: Place) -> list[Target]:
        """Every ready endpoint, in a stable order. Raises Unresolved when there is none, Untrusted."""
        tls = _tls(place.ca, place.insecure, self._client)
        return [Target(host, port, tls, place.host) for host, port in sorted(self._addresses(place))]

    def target(self, place: Place) -> Target:
        """One of them."""
        return random.choice(self.targets(place))

    def _addresses(self, place: Place) -> Sequence[tuple[str, int]]:
        service: Service | None = self._registries.get(Service, place.namespace, place.service)
        if service is None:
            raise Unresolved(f'service "{place.service}" not found')
        if service.spec.type == "ExternalName":
            return [(service.spec.externalName, place.port)]
        if service.spec.type not in _ROUTED:
            raise Unresolved(f'unsupported service type "{service.spec.type}"')
        wanted = next((p for p in service.spec.ports or () if p.port == place.port), None)
        if wanted is None:
            raise Unresolved(f'no service port {place.port} found for service "{place.service}"')
        found = serviceendpoints.addresses(self._registries, place.namespace, place.service, wanted.name)
        if not found:
            raise Unresolved(f'no endpoints available for service "{place.service}"')
        return found

    async def ask(
        self, target: Target, path: str, seconds: float, headers: Iterable[tuple[str, str]] = ()
    ) -> tuple[Answer, bytes]:
        """GET as this server itself; the answer and its body. Raises Failed."""
        sent = (*headers, *headers_of(AGGREGATOR), ("Host", f"{target.name}:{target.port}"))
        try:
            async with asyncio.timeout(seconds):
                answer = await self._backends.send(target, "GET", path, "", sent)
                body = await read_limited(answer.body, _LIMIT)
        except TimeoutError:
            raise Failed("context deadline exceeded") from None
        except (StatusError, ssl.SSLError, OSError) as error:
            raise Failed(reason_of(error)) from error
        if len(body) == _LIMIT:
            raise Failed("the answer is too large")
        return answer, body


def _tls(ca: bytes, insecure: bool, client: ProxyClient | None) -> ssl.SSLContext:
    """Raises Untrusted."""
    certificate, key = (Path(client.certificate), Path(client.key)) if client is not None else ("", "")
    try:
        return trust.connecting(ca, certificate, key, insecure=insecure)
    except (ValueError, OSError) as error:
        raise Untrusted(f"unable to load root certificates: {error}") from error


def decoded(body: bytes, what: str) -> dict[str, Any]:
    """The JSON object that a server has answered as its discovery or description. Raises Failed."""
    try:
        plain = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failed(f"unreadable {what}: {error}") from error
    if not isinstance(plain, dict):
        raise Failed(f"unreadable {what}: it is no object")
    return plain
