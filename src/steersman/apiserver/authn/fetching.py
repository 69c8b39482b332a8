"""Documents of issuers: read by HTTPS, within bounds, through the server's own connections."""

from __future__ import annotations

import asyncio
import json
import ssl
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from steersman.api.errors import StatusError
from steersman.apiserver.backend import Backends, Target, read_limited

_SECONDS = 30.0
_MOST = 1024 * 1024


class FetchError(Exception):
    """There is no such document to be had; the text says why."""


class Fetcher(Protocol):
    """What reads documents; tests give their own."""

    async def get(self, url: str, ca: str = "", token: str = "") -> bytes:
        """The body of a good answer. `ca` is PEM (empty: the system's). Raises FetchError."""
        ...


class BackendFetcher:
    """Reads through `backends`."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def get(self, url: str, ca: str = "", token: str = "") -> bytes:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise FetchError(f"Get {url!r}: URL scheme must be https")
        headers = [("Host", parts.netloc.rpartition("@")[2]), ("Accept", "application/json")]
        if token:
            headers.append(("Authorization", f"Bearer {token}"))
        try:
            target = Target(parts.hostname, parts.port or 443, trusting(ca), parts.hostname)
            async with asyncio.timeout(_SECONDS):
                answer = await self._backends.send(target, "GET", unquote(parts.path) or "/", parts.query, headers)
                body = await read_limited(answer.body, _MOST)
        except TimeoutError:
            raise FetchError(f"Get {url!r}: no answer in time") from None
        except (StatusError, ssl.SSLError, OSError, ValueError) as error:
            raise FetchError(f"Get {url!r}: {error}") from error
        if not 200 <= answer.status < 300:
            raise FetchError(f"Get {url!r}: the server answers with status {answer.status}")
        return body


async def get_json(fetcher: Fetcher, url: str, ca: str) -> dict[str, Any]:
    """A document that is a JSON object. Raises FetchError."""
    try:
        found = json.loads(await fetcher.get(url, ca))
    except (ValueError, RecursionError):
        raise FetchError(f"Get {url!r}: the answer is no JSON") from None
    if not isinstance(found, dict):
        raise FetchError(f"Get {url!r}: the answer is no JSON object")
    return found


@lru_cache(maxsize=64)
def trusting(ca: str) -> ssl.SSLContext:
    """TLS that trusts these certificates, or the system's. Raises SSLError, ValueError."""
    context = ssl.create_default_context(cadata=ca or None)
    # As in Go: whatever the bundle holds is trusted, a server's own certificate, too, and old ways of making one.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
