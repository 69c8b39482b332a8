"""One call to a webhook: a POST of JSON over TLS, to a URL or to a service, whose endpoints are found here."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from steersman.api.errors import NotFound, StatusError
from steersman.api.http import Handler, Request
from steersman.apiserver import serviceendpoints
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.backend import Backends, Target, read_limited
from steersman.apiserver.registries import Registries
from steersman.apiserver.webhook import asking
from steersman.apiserver.webhook.failures import reason_of, refusal
from steersman.apiserver.webhook.kubeconfig import NOBODY, Identity
from steersman.pki import trust

_OWN = ("kubernetes.default.svc", 443)
_REFUSAL = 4096
MAX_ANSWER = 64 * 1024 * 1024
# Bytes of an answer to a short question. A patch may write a whole object, and conversions answer with as much as was asked.
_ANSWER, _RATIO = 6 * 1024 * 1024, 4


def most_of(body: bytes) -> int:
    """The bytes that an answer to this may have."""
    return min(_ANSWER + _RATIO * len(body), MAX_ANSWER)


_HEADERS = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json"),
    ("User-Agent", "kube-apiserver-admission"),
)


class WebhookFailure(Exception):
    """A call without an answer that can be used; the text says why, as in `failed: Post "https://…": EOF`.

    `timed_out` tells that the time was up; `status` is that of the answer, or what no answer counts as.
    """

    def __init__(self, text: str, *, timed_out: bool = False, status: int = 503) -> None:
        super().__init__(text)
        self.timed_out, self.status = timed_out, status


@dataclass(frozen=True, slots=True)
class Address:
    """Where a webhook listens: a host, or a service (namespace and name). `ca` is PEM; empty trusts the system's. `identity` is
    who the server is there."""

    host: str
    port: int
    path: str
    ca: bytes = b""
    service: tuple[str, str] | None = None
    identity: Identity = NOBODY

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}{self.path}"


class AddressError(ValueError):
    """A configuration that leads nowhere; the text says why."""


def address_from(url: str | None, service: tuple[str, str, str, int] | None, encoded: str) -> Address:
    """As `address_of`, with the bundle as it is configured, in base64. Raises AddressError."""
    if url is None and service is None:
        raise AddressError("webhook configuration must have either service or URL")
    try:
        return address_of(url or "", service, base64.b64decode(encoded))
    except ValueError as error:
        raise AddressError(f"Unparsable URL or bundle: {error}") from error


def address_of(url: str, service: tuple[str, str, str, int] | None, ca: bytes) -> Address:
    """From a URL, or else from a service as (namespace, name, path, port)."""
    if service is not None:
        namespace, name, path, port = service
        if path and not path.startswith("/"):
            path = "/" + path
        return Address(f"{name}.{namespace}.svc", port, path or "/", ca.strip(), (namespace, name))
    parts = urlsplit(url)
    # As every path in here: without escapes, which are made where it is sent.
    return Address(parts.hostname or "", parts.port or 443, unquote(parts.path) or "/", ca.strip())


class Caller(Protocol):
    """What makes calls; tests give their own."""

    async def call(self, address: Address, body: bytes, seconds: float) -> bytes:
        """The body of a good answer. Raises WebhookFailure."""
        ...


class WebhookClient:
    """Calls webhooks through the server's connections to backends. Those at its own service are asked by `handle`, in its own
    name, which raises NotFound where no other server answers."""

    def __init__(self, registries: Registries, backends: Backends, handle: Handler | None = None) -> None:
        self._registries = registries
        self._backends = backends
        self._handle = handle
        # By server, so that one that stops in the middle of a large answer holds up nobody else's; as long as they are used.
        self._large: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def call(self, address: Address, body: bytes, seconds: float) -> bytes:
        query = f"?timeout={seconds:g}s"
        start = f'failed: Post "{address.url}{query}"'
        try:
            async with asyncio.timeout(seconds):
                return await self._call(address, body, query, start)
        except TimeoutError:
            raise WebhookFailure(f"{start}: context deadline exceeded", timed_out=True) from None
        except (StatusError, ssl.SSLError, OSError, ValueError) as error:
            raise WebhookFailure(f"{start}: {reason_of(error)}") from error

    async def _call(self, address: Address, body: bytes, query: str, start: str) -> bytes:
        if self._handle is not None and (address.host, address.port) == _OWN:
            return await self._own(self._handle, address, body, query)
        if address.identity.plugin is not None:
            address = replace(address, identity=await address.identity.current())
        target = self._target(address, start)
        headers = (*_HEADERS, ("Host", f"{address.host}:{address.port}"), *address.identity.headers())
        large = self._large.setdefault((address.host, address.port), asyncio.Lock())
        said = await asking.post(self._backends, target, address.path, query[1:], headers, body, most_of(body), large)
        if said.status == 401:
            address.identity.refused()
        if said.status != 200:
            text = said.body.decode("utf-8", "replace").strip()
            raise WebhookFailure(f"failed: {refusal(said.status, text)}", status=said.status)
        return said.body

    async def _own(self, handle: Handler, address: Address, body: bytes, query: str) -> bytes:
        """Asks this server itself, which may have somebody else answer."""
        headers = {name.lower(): value for name, value in _HEADERS}
        try:
            response = await handle(Request("POST", address.path, query[1:], headers, body, LOOPBACK))
        except NotFound as error:
            raise WebhookFailure(f"failed: {refusal(error.code, '')}", status=error.code) from error
        said = response.body
        if not isinstance(said, bytes):
            said = await read_limited(said, most_of(body) + 1)
        if response.status != 200:
            text = said[:_REFUSAL].decode("utf-8", "replace").strip()
            raise WebhookFailure(f"failed: {refusal(response.status, text)}", status=response.status)
        if len(said) > most_of(body):
            raise OSError("the answer is too large")
        return said

    def _target(self, address: Address, start: str) -> Target:
        target = Target(address.host, address.port, _tls(address), address.host)
        if address.service is None:
            return target
        try:
            host, port = random.choice(serviceendpoints.resolved(self._registries, *address.service, address.port))
        except serviceendpoints.Unresolved as error:
            raise WebhookFailure(f"{start}: {error}") from error
        return replace(target, host=host, port=port)


def _tls(address: Address) -> ssl.SSLContext:
    """Raises WebhookFailure."""
    who = address.identity
    try:
        return trust.connecting(address.ca, who.certificate, who.key)
    except (OSError, ValueError) as error:
        raise WebhookFailure(f"failed: unable to load root certificates: {error}") from error
