"""Publishes the API server's authority as a ClusterTrustBundle, which pods can mount and everybody may read."""

from __future__ import annotations

import hashlib

from steersman.api.errors import AlreadyExists
from steersman.controller.declaration import Context, Controller, mapped
from steersman.kinds.certificates.signers import API_SERVER_SERVING
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle, ClusterTrustBundleSpec
from steersman.kinds.types.meta_v1 import ObjectMeta

FIELDS = f"spec.signerName={API_SERVER_SERVING}"
# There is one thing to do, whatever has changed.
_KEY = "bundle"


def name_of(bundle: str) -> str:
    """The name says what is in it, so that a new content is a new object and nobody reads half of a change."""
    return f"{API_SERVER_SERVING.replace('/', ':')}:{hashlib.sha256(bundle.encode()).digest()[:12].hex()}"


class Publisher:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._queue = context.queue
        self._bundle = context.config.root_ca
        self._published = context.informers.informer(ClusterTrustBundle, fields=FIELDS)

    async def run(self) -> None:
        """There may be none, and no event then."""
        self._queue.add(_KEY)

    async def reconcile(self, key: str) -> None:
        if not self._bundle:
            return
        name = name_of(self._bundle)
        if self._published.get(name) is None:
            spec = ClusterTrustBundleSpec(signerName=API_SERVER_SERVING, trustBundle=self._bundle)
            try:
                await self._client.create(ClusterTrustBundle(metadata=ObjectMeta(name=name), spec=spec))
            except AlreadyExists:
                # The informer is behind: its event comes here again.
                return
        for other in self._published.items():
            if other.metadata.name != name:
                await self._client.delete_seen(other)


CONTROLLER = Controller(
    name="kube-apiserver-serving-clustertrustbundle-publisher",
    reconciler=Publisher,
    watches=(mapped(ClusterTrustBundle, lambda context, bundle: (_KEY,), fields=FIELDS),),
    component="kube-apiserver-serving-clustertrustbundle-publisher",
    account="kube-apiserver-serving-clustertrustbundle-publisher",
)
