"""Certificates of pods in projected volumes: asked for by PodCertificateRequests with keys made here, renewed as their signers say."""

from __future__ import annotations

import asyncio
import logging
import random
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from steersman.api.clock import Clock
from steersman.api.errors import NotFound, StatusError
from steersman.api.meta import parse_time
from steersman.client.events import EventRecorder
from steersman.client.rest import Client
from steersman.client.waiting import Backoff
from steersman.kinds.types.certificates_v1 import PodCertificateRequest, PodCertificateRequestSpec
from steersman.kinds.types.core_v1 import Pod, PodCertificateProjection, ServiceAccount
from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference
from steersman.kubelet.volumes.problem import VolumeError

# How long a volume waits for its first certificate before it is tried again like any other that is not there yet.
PATIENCE = 3.0
_SHORTEST, _LONGEST = 0.05, 0.5
# A request that is gone after so long was deleted, and is made anew.
ABANDONED = timedelta(minutes=10)
# Renewals of many pods that began together are spread over this time.
SPREAD = timedelta(minutes=5)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Which source of which pod's volumes."""

    uid: str
    volume: str
    index: int


@dataclass(frozen=True, slots=True)
class Credential:
    """A private key and its certificate with those that lead to an authority, in PEM."""

    key: bytes = field(repr=False)
    chain: bytes
    refresh_at: datetime


@dataclass(slots=True)
class _State:
    """What is known of a place: what is asked for, what there is, and what keeps it from ever being more."""

    request: str = ""
    key: bytes = b""
    asked_at: datetime | None = None
    credential: Credential | None = None
    refused: str = ""


class CertificateSource(Protocol):
    """Where the certificates of pods come from; implementations keep and renew them."""

    async def credential(self, pod: Pod, place: Place, source: PodCertificateProjection) -> Credential:
        """Raises VolumeError as long as there is none."""
        ...

    def forget(self, uid: str) -> None: ...


class PodCertificates:
    """Implements CertificateSource. After a restart of the kubelet every certificate is asked for anew: keys are nowhere but in the
    pods' volumes."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        recorder: EventRecorder,
        node: Callable[[], tuple[str, str]],
        share: Callable[[], float] = random.random,
    ) -> None:
        """`node` gives the node's name and uid."""
        self._client = client
        self._clock = clock
        self._recorder = recorder
        self._node = node
        self._share = share
        self._states: dict[Place, _State] = {}

    def forget(self, uid: str) -> None:
        for place in [p for p in self._states if p.uid == uid]:
            del self._states[place]

    async def credential(self, pod: Pod, place: Place, source: PodCertificateProjection) -> Credential:
        state = self._states.setdefault(place, _State())
        if state.refused:
            raise VolumeError(state.refused)
        try:
            return await self._advance(pod, state, source)
        except StatusError as error:
            if state.credential is not None:
                # What there is still does; the next look at the volume tries again.
                _log.warning("certificate of pod %s/%s: %s", pod.metadata.namespace, pod.metadata.name, error)
                return state.credential
            raise VolumeError(f"while requesting a certificate: {error.message}") from error

    async def _advance(self, pod: Pod, state: _State, source: PodCertificateProjection) -> Credential:
        if not state.request and (state.credential is None or state.credential.refresh_at <= self._clock.now()):
            await self._ask(pod, state, source)
        if state.request:
            await self._look(pod, state)
        if state.refused:
            raise VolumeError(state.refused)
        if state.credential is None:
            raise VolumeError(f"PodCertificateRequest {pod.metadata.namespace}/{state.request} is not answered yet")
        return state.credential

    async def _ask(self, pod: Pod, state: _State, source: PodCertificateProjection) -> None:
        from steersman.pki import requests

        meta = pod.metadata
        account_name = pod.spec.serviceAccountName or "default"
        account = await self._client.get(ServiceAccount, account_name, meta.namespace)
        # Some sorts of keys take a good while to make.
        key, stub = await asyncio.to_thread(requests.stub, source.keyType)
        node, node_uid = self._node()
        made = PodCertificateRequest(
            metadata=ObjectMeta(
                generateName="req-",
                namespace=meta.namespace,
                ownerReferences=[OwnerReference(apiVersion="v1", kind="Pod", name=meta.name, uid=meta.uid)],
            ),
            spec=PodCertificateRequestSpec(
                signerName=source.signerName,
                podName=meta.name,
                podUID=meta.uid,
                serviceAccountName=account_name,
                serviceAccountUID=account.metadata.uid,
                nodeName=node,
                nodeUID=node_uid,
                maxExpirationSeconds=source.maxExpirationSeconds,
                stubPKCS10Request=b64encode(stub).decode(),
                unverifiedUserAnnotations=source.userAnnotations,
            ),
        )
        state.request = (await self._client.create(made)).metadata.name
        state.key, state.asked_at = key, self._clock.now()

    async def _look(self, pod: Pod, state: _State) -> None:
        """Take the answer if there is one; without any certificate yet, it is waited for a little."""
        deadline = self._clock.monotonic() + (PATIENCE if state.credential is None else 0.0)
        backoff = Backoff(_SHORTEST, _LONGEST)
        while True:
            try:
                found = await self._client.get(PodCertificateRequest, state.request, pod.metadata.namespace)
            except NotFound:
                if state.asked_at is not None and self._clock.now() - state.asked_at > ABANDONED:
                    state.request = ""
                raise
            if self._take(pod, state, found) or self._clock.monotonic() >= deadline:
                return
            await self._clock.sleep(backoff.next())

    def _take(self, pod: Pod, state: _State, found: PodCertificateRequest) -> bool:
        """Whether the request is answered, in whatever way."""
        for condition in found.status.conditions or ():
            if condition.type == "Issued":
                begin = parse_time(found.status.beginRefreshAt) + SPREAD * self._share()
                state.credential = Credential(state.key, found.status.certificateChain.encode(), begin)
                state.request, state.key = "", b""
                return True
            if condition.type in ("Denied", "Failed"):
                how = "was denied" if condition.type == "Denied" else "failed"
                name = f"{found.metadata.namespace}/{found.metadata.name}"
                state.refused = (
                    f'PodCertificateRequest {name} {how}, reason="{condition.reason}", message="{condition.message}"'
                )
                self._recorder.event(pod, "Warning", condition.type, state.refused)
                return True
        return False
