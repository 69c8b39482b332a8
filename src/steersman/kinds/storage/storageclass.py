"""StorageClass: a way to make volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import StorageClass

KIND: Kind[StorageClass] = Kind(
    resource=Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", False),
    short_names=("sc",),
)
