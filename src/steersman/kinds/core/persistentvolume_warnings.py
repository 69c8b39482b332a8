"""What whoever writes a persistent volume is told: kinds of storage that are gone, and what there are fields for today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.field import Path
from steersman.kinds.core import claim_class, node_label_warnings

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolume

_ANNOTATIONS = (
    (claim_class.ANNOTATION, 'deprecated since v1.8; use "storageClassName" attribute instead'),
    ("volume.beta.kubernetes.io/mount-options", 'deprecated since v1.31; use "mountOptions" attribute instead'),
)
_RECYCLE = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."
_GONE = (
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
)
"""Sources: the field, how it is written in the warning, and what is said."""


def of_volume(volume: PersistentVolume) -> list[str]:
    spec, annotations = volume.spec, volume.metadata.annotations or {}
    warnings = [f"metadata.annotations[{key}]: {said}" for key, said in _ANNOTATIONS if key in annotations]
    if spec.persistentVolumeReclaimPolicy == "Recycle":
        warnings.append(f"spec.persistentVolumeReclaimPolicy: {_RECYCLE}")
    if spec.nodeAffinity is not None and spec.nodeAffinity.required is not None:
        at = Path("spec", "nodeAffinity", "required", "nodeSelectorTerms")
        for i, term in enumerate(spec.nodeAffinity.required.nodeSelectorTerms or ()):
            warnings += node_label_warnings.of_term(term, at.index(i))
    return warnings + [f"spec.{shown}: {said}" for name, shown, said in _GONE if getattr(spec, name) is not None]
