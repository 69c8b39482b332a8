"""Which StorageClass a claim asks for: by its field, or by the annotation from before there was one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolumeClaim

ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"


def class_of(claim: PersistentVolumeClaim) -> str:
    """Its name; empty for none."""
    return (claim.metadata.annotations or {}).get(ANNOTATION) or claim.spec.storageClassName or ""
