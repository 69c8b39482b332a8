"""Connections to aggregated servers: an endpoint of the service, TLS with the front proxy's certificate, who asks in headers."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Iterable
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
from steersman.pki import trust

AGGREGATOR = User("system:kube-aggregator", (MASTERS,))
"""Who asks when this server itself wants to know something. A member of system:masters is refused nothing."""

# Of an answer to this server itself, in bytes: documents that describe whole APIs are the largest.
_LIMIT = 64 * 1024 * 1024


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
        found = serviceendpoints.resolved(self._registries, place.namespace, place.service, place.port)
        return [Target(host, port, tls, place.host) for host, port in sorted(found)]

    def target(self, place: Place) -> Target:
        """One of them."""
        return random.choice(self.targets(place))

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
