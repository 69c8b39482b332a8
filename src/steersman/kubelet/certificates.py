"""The kubelet's own certificates: asked of the API server, kept in files, and asked for anew before they end.

Each file has a certificate and its key, and is replaced as a whole; clients and servers that use it read it again by themselves.
"""

from __future__ import annotations

import logging
import os
import random
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from steersman.api import identities
from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.client.rest import Client
from steersman.client.waiting import Backoff
from steersman.kinds.certificates.signers import KUBELET_CLIENT, KUBELET_SERVING
from steersman.pki.files import wish, write_atomic

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

# How often it is looked whether the file is still there, and whether somebody wants a new one.
LOOK_SECONDS = 5.0
# A request that nobody has answered for so long is given up, and another one made.
PATIENCE_SECONDS = 900
_WATCH_SECONDS = 60
# Between attempts that have failed.
_SHORTEST, _LONGEST = 0.1, 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Purpose:
    """What a certificate of a node is for. `hosts` are the names and addresses that it serves under."""

    name: str
    signer: str
    usage: str
    node: str
    hosts: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        return identities.node(self.node)

    def file(self, folder: Path) -> Path:
        """Where the certificate is, with its key."""
        return folder / f"{self.name}-current.pem"


def client_purpose(node: str) -> Purpose:
    return Purpose("kubelet-client", KUBELET_CLIENT, "client auth", node)


def serving_purpose(node: str, hosts: tuple[str, ...]) -> Purpose:
    return Purpose("kubelet-server", KUBELET_SERVING, "server auth", node, hosts)


@dataclass(frozen=True)
class Span:
    """The life of a certificate."""

    begin: datetime
    end: datetime

    def renewal(self, share: float) -> datetime:
        """When the next one is asked for: at 70 to 90 per cent of its life. `share` is from 0 to 1, and another for each node."""
        return self.begin + (self.end - self.begin) * (0.7 + 0.2 * share)


class Denied(Exception):
    """The request was refused, or its signer could not sign it."""


class Keeper:
    """Keeps one certificate of the node good.

    Contract: after `ensure`, the file has a certificate that is good now; `keep` never ends by itself and replaces it in time, when
    it is gone, and when that is wished for. Both wait for the API server as long as it takes.
    """

    def __init__(
        self,
        purpose: Purpose,
        folder: Path,
        authorities: Path,
        clock: Clock,
        share: Callable[[], float] = random.random,
    ) -> None:
        """`authorities` has the certificates of those whose signature counts."""
        self.purpose = purpose
        self.file = purpose.file(folder)
        # How often the next one was not to be had.
        self.failures = 0
        self._authorities = authorities
        self._clock = clock
        self._share = share

    def current(self) -> Span | None:
        """The life of what the file has; None when that is nothing that could be used now."""
        from steersman.pki import inventory

        try:
            pem = self.file.read_bytes()
            found = inventory.describe(pem)[0]
            if not inventory.signed_by(pem, self._authorities.read_bytes()):
                return None
        except FileNotFoundError:
            return None
        except ValueError as error:
            _log.warning("%s is of no use: %s", self.file, error)
            return None
        ours = found.common_name == self.purpose.user and set(found.names) >= set(self.purpose.hosts)
        return Span(found.not_before, found.not_after) if ours and found.not_after > self._clock.now() else None

    async def ensure(self, client: Client) -> None:
        """Ask for a certificate unless there is one."""
        if self.current() is None:
            await self._obtain(client)

    async def keep(self, client: Client) -> None:
        """Ask for the next one in time, and so on."""
        while True:
            span = self.current()
            if span is not None:
                await self._wait(span.renewal(self._share()))
            await self._obtain(client)
            if self.current() is None:
                # Signed by one whose signature does not count here, or ended already by this clock: asking again at once would
                # be a flood of requests.
                _log.warning("the new %s certificate is of no use here", self.purpose.name)
                await self._clock.sleep(LOOK_SECONDS)

    async def _wait(self, until: datetime) -> None:
        """Until then, until the file is gone, or until somebody wants another."""
        wanted = wish(self.file)
        while (left := (until - self._clock.now()).total_seconds()) > 0 and self.file.exists() and not wanted.exists():
            await self._clock.sleep(min(left, LOOK_SECONDS))

    async def _obtain(self, client: Client) -> None:
        backoff = Backoff(_SHORTEST, _LONGEST)
        while True:
            try:
                await self._ask(client)
                return
            except (StatusError, Denied, OSError) as error:
                self.failures += 1
                _log.warning("no %s certificate yet: %s", self.purpose.name, error)
            await self._clock.sleep(backoff.next())

    async def _ask(self, client: Client) -> None:
        """Make a key, ask for its certificate, and keep both. Raises StatusError and Denied."""
        from steersman.kinds.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestSpec
        from steersman.kinds.types.meta_v1 import ObjectMeta
        from steersman.pki import requests

        purpose = self.purpose
        pem, key = requests.make(purpose.user, (identities.NODES,), purpose.hosts)
        spec = CertificateSigningRequestSpec(
            request=b64encode(pem).decode(),
            signerName=purpose.signer,
            # A key on an elliptic curve enciphers nothing.
            usages=["digital signature", purpose.usage],
        )
        made = await client.create(CertificateSigningRequest(metadata=ObjectMeta(generateName="csr-"), spec=spec))
        _log.info("asked for a %s certificate by %s", purpose.name, made.metadata.name)
        certificate = await self._answer(client, made)
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(self.file.parent, 0o700)
        write_atomic(self.file, certificate.rstrip() + b"\n" + key)
        wish(self.file).unlink(missing_ok=True)

    async def _answer(self, client: Client, made: CertificateSigningRequest) -> bytes:
        """The certificate, once there is one. Raises Denied, and StatusError."""
        kind = type(made)
        deadline = self._clock.now() + timedelta(seconds=PATIENCE_SECONDS)
        current = made
        while True:
            if current.status.certificate:
                return b64decode(current.status.certificate)
            for condition in current.status.conditions or ():
                if condition.type in ("Denied", "Failed"):
                    raise Denied(f"{made.metadata.name}: {condition.type}: {condition.reason}: {condition.message}")
            if self._clock.now() >= deadline:
                raise Denied(f"{made.metadata.name} was not answered within {PATIENCE_SECONDS} s")
            current = await _next(client, current) or await client.get(kind, made.metadata.name)


async def _next(client: Client, seen: CertificateSigningRequest) -> CertificateSigningRequest | None:
    """The request as it is after its next change; None when there was none for a while."""
    watching = client.watch(
        type(seen),
        fields=f"metadata.name={seen.metadata.name}",
        resource_version=seen.metadata.resourceVersion,
        timeout=_WATCH_SECONDS,
    )
    async with aclosing(watching) as events:
        async for event in events:
            if event.type == "DELETED":
                raise Denied(f"{seen.metadata.name} was deleted")
            if event.type != "BOOKMARK":
                return event.object
    return None
