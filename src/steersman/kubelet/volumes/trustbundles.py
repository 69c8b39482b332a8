"""The authorities that ClusterTrustBundles name, as one file of a projected volume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from steersman.api import labels
from steersman.api.errors import NotFound
from steersman.kinds.certificates import pem
from steersman.kinds.types.certificates_v1 import ClusterTrustBundle
from steersman.kinds.types.core_v1 import ClusterTrustBundleProjection
from steersman.kubelet.volumes.problem import VolumeError


class TrustSource(Protocol):
    """Where ClusterTrustBundles come from."""

    async def trust_bundle(self, name: str) -> ClusterTrustBundle:
        """Raises NotFound."""
        ...

    async def trust_bundles(self, signer: str) -> Iterable[ClusterTrustBundle]:
        """Those of a signer."""
        ...


async def collect(source: ClusterTrustBundleProjection, objects: TrustSource) -> bytes:
    """Raises VolumeError when there are none and the volume is not content with that."""
    optional = bool(source.optional)
    if source.name:
        try:
            return anchors([await objects.trust_bundle(source.name)])
        except NotFound as error:
            if optional:
                return b""
            raise VolumeError(f"while fetching ClusterTrustBundle: {error.message}") from error
    if not source.signerName:
        raise VolumeError("ClusterTrustBundle projection requires either name or signerName to be set")
    if source.labelSelector is None:
        # Nothing, where an empty selector is everything.
        found = []
    else:
        selector = labels.from_object(source.labelSelector)
        every = await objects.trust_bundles(source.signerName)
        found = [bundle for bundle in every if selector.matches(bundle.metadata.labels or {})]
    if not found and not optional:
        raise VolumeError("combination of signerName and labelSelector matched zero ClusterTrustBundles")
    return anchors(found)


def anchors(bundles: Iterable[ClusterTrustBundle]) -> bytes:
    """Every certificate once, in an order that does not change as long as they do not."""
    return pem.encode(
        sorted({block.data for bundle in bundles for block in pem.blocks(bundle.spec.trustBundle.encode())})
    )
