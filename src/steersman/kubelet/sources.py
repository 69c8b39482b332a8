"""Where the kubelet gets what pods refer to: ConfigMaps, Secrets, trust bundles and service account tokens, each kept for a short
while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from steersman.api.clock import Clock
from steersman.api.meta import parse_time
from steersman.client.rest import ApiObject, Client
from steersman.kinds.types.authentication_v1 import TokenRequest
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle
from steersman.kinds.types.core_v1 import ConfigMap, Pod, Secret

# Several containers of a pod refer to one object within moments; a look every volume refresh is wanted all the same.
CACHE_SECONDS = 2.0
_MAX_CACHED = 1024

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
        account = pod.spec.serviceAccountName or "default"
        body = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": seconds,
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": meta.name, "uid": meta.uid},
            },
        }
        path = f"/api/v1/namespaces/{meta.namespace}/serviceaccounts/{account}/token"
        response = await self.client.request("POST", path, body=body)
        if not isinstance(response.body, bytes):
            raise TypeError("a streamed answer to a TokenRequest")
        status = msgspec.json.decode(response.body, type=TokenRequest).status
        now = self.clock.time()
        life = parse_time(status.expirationTimestamp).timestamp() - now
        self._cache[key] = (status.token, now + min(life * 0.8, 24 * 3600))
        return status.token

    def forget(self, uid: str) -> None:
        """Drop a pod's tokens."""
        for key in [k for k in self._cache if k[0] == uid]:
            del self._cache[key]
