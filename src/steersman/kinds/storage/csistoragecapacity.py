"""CSIStorageCapacity: how much storage a topology has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSIStorageCapacity

KIND: Kind[CSIStorageCapacity] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", True),
    allow_unconditional_update=False,
)
