"""The descriptions of aggregated servers: fetched, cut down to one group version each, and kept small."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from steersman.apiserver.aggregator.remote import Remote
from steersman.apiserver.aggregator.transport import Connector, Failed, decoded
from steersman.apiserver.backend import Target
from steersman.apiserver.negotiation import JSON
from steersman.apiserver.openapi import foreign

_SECONDS = 60.0
_V2, _V3 = "/openapi/v2", "/openapi/v3"


@dataclass(frozen=True, slots=True)
class Described:
    """One group version. `v3_url` is where its v3 document is found on the aggregated server; empty when that has none, and
    the v2 document is all there is."""

    path: str
    v3_url: str = ""
    packed: bytes = b""
    """The v2 document's paths and definitions, as deflated JSON; empty when there is none."""
    etag: str = field(default="", compare=False)

    @property
    def v2(self) -> dict[str, Any]:
        if not self.packed:
            return {"paths": {}, "definitions": {}}
        found: dict[str, Any] = msgspec.json.decode(zlib.decompress(self.packed))
        return found

    @property
    def digest(self) -> str:
        """Changes with the v2 document."""
        return hashlib.sha256(self.packed).hexdigest().upper()


async def learn(connector: Connector, target: Target, remote: Remote) -> Described:
    """What the server says of the group version. Raises Failed."""
    path = remote.path.removeprefix("/")
    url = await _v3_url(connector, target, path)
    known = remote.described
    headers = [("Accept", JSON)]
    if known is not None and known.etag:
        headers.append(("If-None-Match", known.etag))
    answer, body = await connector.ask(target, _V2, _SECONDS, headers)
    if answer.status == 304 and known is not None:
        return Described(path, url, known.packed, known.etag)
    if answer.status == 404:
        return Described(path, url)
    if answer.status != 200:
        raise Failed(f"failed to retrieve openAPI spec, http error: {answer.status}")
    document = foreign.only(decoded(body, "description"), remote.path + "/")
    etag = next((v for n, v in answer.headers.items() if n.lower() == "etag"), "")
    return Described(path, url, zlib.compress(msgspec.json.encode(document), 6), etag)


async def _v3_url(connector: Connector, target: Target, path: str) -> str:
    answer, body = await connector.ask(target, _V3, _SECONDS, [("Accept", JSON)])
    if answer.status == 404:
        return ""
    if answer.status != 200:
        raise Failed(f"could not get the list of group versions: {answer.status}")
    found = (decoded(body, "description").get("paths") or {}).get(path) or {}
    return str(found.get("serverRelativeURL") or "")
