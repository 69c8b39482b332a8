"""One call to a webhook: a POST of JSON over TLS, to a URL or to a service, whose endpoints are found here."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote, urlsplit

from steersman.api.errors import StatusError
from steersman.api.field import quote
from steersman.apiserver.backend import Answer, Backends, Target, read_limited
from steersman.apiserver.registries import Registries
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.pki import trust

MAX_ANSWER = 64 * 1024 * 1024
_REFUSAL = 4096
_NAME_LABEL = "kubernetes.io/service-name"
_HEADERS = (("Content-Type", "application/json"), ("Accept", "application/json"))


class WebhookFailure(Exception):
    """A call without an answer that can be used; the text says why, as in `failed: Post "https://…": EOF`.

    `timed_out` tells that the time was up.
    """

    def __init__(self, text: str, *, timed_out: bool = False) -> None:
        super().__init__(text)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Address:
    """Where a webhook listens: a host, or a service (namespace and name). `ca` is PEM; empty trusts the system's."""

    host: str
    port: int
    path: str
    ca: bytes = b""
    service: tuple[str, str] | None = None

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
    """Calls webhooks through the server's connections to backends."""

    def __init__(self, registries: Registries, backends: Backends) -> None:
        self._registries = registries
        self._backends = backends

    async def call(self, address: Address, body: bytes, seconds: float) -> bytes:
        query = f"?timeout={seconds:g}s"
        start = f'failed: Post "{address.url}{query}"'
        try:
            async with asyncio.timeout(seconds):
                return await self._call(address, body, query, start)
        except TimeoutError:
            raise WebhookFailure(f"{start}: context deadline exceeded", timed_out=True) from None
        except (StatusError, ssl.SSLError, OSError) as error:
            raise WebhookFailure(f"{start}: {reason_of(error)}") from error

    async def _call(self, address: Address, body: bytes, query: str, start: str) -> bytes:
        target = self._target(address, start)
        headers = (*_HEADERS, ("Host", f"{address.host}:{address.port}"))
        try:
            answer = await self._backends.send(target, "POST", address.path, query[1:], headers, body)
        except StatusError as error:
            if not _was_idle(error):
                raise
            # A kept connection was closed while nothing was said on it: nobody has seen the request.
            answer = await self._backends.send(target, "POST", address.path, query[1:], headers, body)
        if answer.status != 200:
            text = (await read_limited(answer.body, _REFUSAL)).decode("utf-8", "replace").strip()
            raise WebhookFailure(f"failed: {refusal(answer.status, text)}")
        return await _whole(answer, start)

    def _target(self, address: Address, start: str) -> Target:
        target = Target(address.host, address.port, _trusting(address.ca), address.host)
        if address.service is None:
            return target
        host, port = self._resolve(*address.service, address.port, start)
        return replace(target, host=host, port=port)

    def _resolve(self, namespace: str, name: str, port: int, start: str) -> tuple[str, int]:
        """An endpoint of the service's port, ready and at random. Raises WebhookFailure."""
        service: Service | None = self._registries.get(Service, namespace, name)
        if service is None:
            raise WebhookFailure(f'{start}: service "{name}" not found')
        if service.spec.type == "ExternalName":
            return service.spec.externalName, port
        wanted = next((p for p in service.spec.ports or () if p.port == port), None)
        if wanted is None:
            raise WebhookFailure(f'{start}: no service port {port} found for service "{name}"')
        found = endpoints(self._registries, namespace, name, wanted.name)
        if not found:
            raise WebhookFailure(f'{start}: no endpoints available for service "{name}"')
        return random.choice(found)


def endpoints(registries: Registries, namespace: str, service: str, port_name: str) -> list[tuple[str, int]]:
    """The ready addresses of a service, with the number of the named port."""
    found: list[tuple[str, int]] = []
    for piece in registries.list(EndpointSlice, namespace):
        if (piece.metadata.labels or {}).get(_NAME_LABEL) != service:
            continue
        numbers = [p.port for p in piece.ports or () if (p.name or "") == port_name and p.port]
        for one in piece.endpoints or ():
            if one.conditions is None or one.conditions.ready is not False:
                found += [(address, number) for address in one.addresses for number in numbers]
    return found


def _trusting(ca: bytes) -> ssl.SSLContext:
    """Raises WebhookFailure."""
    try:
        return trust.shared(ca)
    except ValueError as error:
        raise WebhookFailure(f"failed: unable to load root certificates: {error}") from error


_REFUSALS = {
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


def refusal(code: int, text: str) -> str:
    """What an answer other than 200 means."""
    if code in _REFUSALS:
        return _REFUSALS[code]
    if code == 403 and text:
        return text
    if code >= 500:
        return f"an error on the server ({quote(text or 'unknown')}) has prevented the request from succeeding"
    return f"the server responded with the status code {code} but did not return more information"


_NOT_TRUSTED = frozenset({2, 18, 19, 20, 21, 27})
_EXPIRED = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 64})


def reason_of(error: BaseException) -> str:
    """Why a server could not be talked to, in the words that operators search for."""
    # aiohttp's own error claims to be one, too, but does not know what was wrong.
    wrong = next(
        (e for e in _causes(error) if isinstance(e, ssl.SSLCertVerificationError) and hasattr(e, "verify_code")), None
    )
    if wrong is None:
        text = str(error).removeprefix("Internal error occurred: ").removeprefix("error dialing backend: ")
        return "EOF" if _was_idle(error) else text
    why = "tls: failed to verify certificate: x509: "
    if wrong.verify_code in _NOT_TRUSTED:
        return why + "certificate signed by unknown authority"
    if wrong.verify_code in _EXPIRED:
        return why + "certificate has expired or is not yet valid"
    if wrong.verify_code in _OTHER_NAME:
        return why + f"certificate is not valid for this name: {wrong.verify_message}"
    return why + wrong.verify_message


def _causes(error: BaseException | None) -> list[BaseException]:
    """An error and everything that led to it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _was_idle(error: BaseException) -> bool:
    """Whether the connection ended before there was an answer."""
    import aiohttp

    return isinstance(error.__cause__, aiohttp.ServerDisconnectedError | ConnectionResetError)


async def _whole(answer: Answer, start: str) -> bytes:
    body: AsyncIterator[bytes] = answer.body
    data = await read_limited(body, MAX_ANSWER + 1)
    if len(data) > MAX_ANSWER:
        raise WebhookFailure(f"{start}: the answer is too large")
    return data
