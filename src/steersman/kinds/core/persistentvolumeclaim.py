"""PersistentVolumeClaim: a pod's claim to storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolumeClaim

KIND: Kind[PersistentVolumeClaim] = Kind(
    resource=Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True),
    short_names=("pvc",),
    subresources=frozenset({"status"}),
)
