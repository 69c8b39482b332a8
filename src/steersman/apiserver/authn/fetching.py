"""Documents of issuers: read by HTTPS, within bounds, through the server's own connections."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, Protocol
from urllib.parse import unquote, urljoin, urlsplit

from steersman.api.errors import StatusError
from steersman.apiserver.backend import Backends, Target, read_limited
from steersman.pki import trust

_SECONDS = 30.0
_MOST = 1024 * 1024
_REDIRECTS, _MOST_REDIRECTS = frozenset({301, 302, 303, 307, 308}), 10


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
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._followed(url, ca, token)
        except TimeoutError:
            raise FetchError(f"Get {url!r}: no answer in time") from None
        except (StatusError, ssl.SSLError, OSError, ValueError) as error:
            raise FetchError(f"Get {url!r}: {error}") from error

    async def _followed(self, url: str, ca: str, token: str) -> bytes:
        for _ in range(_MOST_REDIRECTS + 1):
            status, headers, body = await self._get(url, ca, token)
            there = headers.get("location", "") if status in _REDIRECTS else ""
            if not there:
                break
            # A credential is for the host that it was meant for.
            before, url = urlsplit(url).netloc, urljoin(url, there)
            token = token if urlsplit(url).netloc == before else ""
        else:
            raise FetchError(f"Get {url!r}: stopped after {_MOST_REDIRECTS} redirects")
        if not 200 <= status < 300:
            raise FetchError(f"Get {url!r}: the server answers with status {status}")
        return body

    async def _get(self, url: str, ca: str, token: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise FetchError(f"Get {url!r}: URL scheme must be https")
        headers = [("Host", parts.netloc.rpartition("@")[2]), ("Accept", "application/json")]
        if token:
            headers.append(("Authorization", f"Bearer {token}"))
        target = Target(parts.hostname, parts.port or 443, trust.connecting(ca), parts.hostname)
        answer = await self._backends.send(target, "GET", unquote(parts.path) or "/", parts.query, headers)
        body = await read_limited(answer.body, _MOST)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, body


async def get_json(fetcher: Fetcher, url: str, ca: str) -> dict[str, Any]:
    """A document that is a JSON object. Raises FetchError."""
    try:
        found = json.loads(await fetcher.get(url, ca))
    except (ValueError, RecursionError):
        raise FetchError(f"Get {url!r}: the answer is no JSON") from None
    if not isinstance(found, dict):
        raise FetchError(f"Get {url!r}: the answer is no JSON object")
    return found
