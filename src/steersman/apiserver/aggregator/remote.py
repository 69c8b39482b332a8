"""One aggregated group version: where its server is, whether it is available, and what is known of what it serves."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steersman.apiserver.aggregator.priorities import Key, name_of
from steersman.kinds.apiregistration import apiservice_rules
from steersman.store.protocol import Event

if TYPE_CHECKING:
    from steersman.apiserver.aggregator.openapi import Described
    from steersman.kinds.types.apiregistration_v1 import APIService

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Place:
    """A service's port, and how its server proves that it is the one. `ca` is PEM; empty trusts the system's."""

    namespace: str
    service: str
    port: int
    ca: bytes = b""
    insecure: bool = False

    @property
    def host(self) -> str:
        """The name in the server's certificate."""
        return f"{self.service}.{self.namespace}.svc"

    def is_behind(self, event: Event) -> bool:
        """Whether what has changed, a service or endpoints, may be this one's."""
        *_, namespace, name = event.key.split("/")
        if namespace != self.namespace:
            return False
        # Endpoints have names of their own, and say in a label whose they are.
        label = f'"{self.service}"'.encode()
        return name == self.service or label in event.value or label in (event.previous or b"")


@dataclass(slots=True)
class Remote:
    """The state of one APIService with a service. `wake` has it looked after at once."""

    key: Key
    uid: str
    place: Place
    available: bool = False
    entry: dict[str, Any] = field(default_factory=dict)
    """Its version in aggregated discovery, without the freshness."""
    etag: str = ""
    fresh: bool = False
    described: Described | None = None
    failures: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _waits: int = 0

    @property
    def name(self) -> str:
        return name_of(self.key)

    @property
    def path(self) -> str:
        """Where its discovery is; everything it serves is below."""
        group, version = self.key
        return f"/apis/{group}/{version}" if group else f"/api/{version}"

    @property
    def discovered(self) -> dict[str, Any]:
        """Its version in aggregated discovery."""
        return {"version": self.key[1], **self.entry, "freshness": "Current" if self.fresh else "Stale"}

    def begin_wait(self) -> int:
        """The number of the wait that begins now."""
        self._waits += 1
        return self._waits

    def wake_after(self, wait: int) -> None:
        """A wait is over in any case; a later one is not touched."""
        if wait == self._waits:
            self.wake.set()

    def update(self, obj: APIService) -> bool:
        """Take over what the APIService says; whether the server is another one now, or trusted in another way."""
        self.available = apiservice_rules.is_available(obj)
        found = place_of(obj)
        if found is None or found == self.place:
            return False
        self.place = found
        self.etag = ""
        return True


def place_of(obj: APIService) -> Place | None:
    """None for a group version that this server serves itself."""
    spec = obj.spec
    if spec.service is None:
        return None
    try:
        ca = base64.b64decode(spec.caBundle, validate=True).strip()
    except (binascii.Error, ValueError):
        # No certificate, which is what whoever connects finds out.
        ca = spec.caBundle.encode()
    port = _HTTPS if spec.service.port is None else spec.service.port
    return Place(spec.service.namespace, spec.service.name, port, ca, bool(spec.insecureSkipTLSVerify))


def remote_of(obj: APIService) -> Remote | None:
    place = place_of(obj)
    if place is None:
        return None
    return Remote(
        (obj.spec.group, obj.spec.version), obj.metadata.uid, place, available=apiservice_rules.is_available(obj)
    )
