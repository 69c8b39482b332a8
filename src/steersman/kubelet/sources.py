"""Where the kubelet gets what pods refer to: ConfigMaps, Secrets, trust bundles and service account tokens, each kept for a short
while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from steersman.api.clock import Clock
from steersman.client import tokens
from steersman.client.rest import ApiObject, Client
from steersman.kinds.types.authentication_v1 import BoundObjectReference
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle
from steersman.kinds.types.core_v1 import ConfigMap, Pod, Secret

# Several containers of a pod refer to one object within moments; a look every volume refresh is wanted all the same.
CACHE_SECONDS = 2.0
_MAX_CACHED = 1024
_DAY = 24 * 3600.0

T = TypeVar("T", bound=ApiObject)


@dataclass(slots=True)
class ObjectReader:
    """Implements payload.Objects over the API."""

    client: Client
    clock: Clock
    _cache: dict[tuple[type, str, str], tuple[float, ApiObject]] = field(default_factory=dict)
    _bundles: dict[str, tuple[float, Sequence[ClusterTrustBundle]]] = field(default_factory=dict)

    async def config_map(self, namespace: str, name: str) -> ConfigMap:
        return await self._get(ConfigMap, namespace, name)

    async def secret(self, namespace: str, name: str) -> Secret:
        return await self._get(Secret, namespace, name)

    async def trust_bundle(self, name: str) -> ClusterTrustBundle:
        return await self._get(ClusterTrustBundle, "", name)

    async def trust_bundles(self, signer: str) -> Sequence[ClusterTrustBundle]:
        now = self.clock.monotonic()
        cached = self._bundles.get(signer)
        if cached and now - cached[0] < CACHE_SECONDS:
            return cached[1]
        found = (await self.client.list(ClusterTrustBundle, fields=f"spec.signerName={signer}")).items
        if len(self._bundles) >= _MAX_CACHED:
            self._bundles.clear()
        self._bundles[signer] = now, found
        return found

    async def _get(self, type_: type[T], namespace: str, name: str) -> T:
        key, now = (type_, namespace, name), self.clock.monotonic()
        cached = self._cache.get(key)
        if cached and now - cached[0] < CACHE_SECONDS and isinstance(cached[1], type_):
            return cached[1]
        found = await self.client.get(type_, name, namespace)
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        self._cache[key] = (now, found)
        return found


@dataclass(slots=True)
class TokenManager:
    """Implements payload.TokenSource by TokenRequest; a token is renewed after 80 % of its life, or a day."""

    client: Client
    clock: Clock
    _cache: dict[tuple[str, str, int], tuple[str, float]] = field(default_factory=dict)

    async def token(self, pod: Pod, audience: str, seconds: int) -> str:
        key = (pod.metadata.uid, audience, seconds)
        cached = self._cache.get(key)
        if cached and self.clock.time() < cached[1]:
            return cached[0]
        meta = pod.metadata
        found = await tokens.request(
            self.client,
            self.clock,
            meta.namespace,
            pod.spec.serviceAccountName or "default",
            seconds,
            audiences=[audience] if audience else (),
            bound=BoundObjectReference(kind="Pod", apiVersion="v1", name=meta.name, uid=meta.uid),
        )
        self._cache[key] = found.value, self.clock.time() + min(found.renew_after, _DAY)
        return found.value

    def forget(self, uid: str) -> None:
        """Drop a pod's tokens."""
        for key in [k for k in self._cache if k[0] == uid]:
            del self._cache[key]
