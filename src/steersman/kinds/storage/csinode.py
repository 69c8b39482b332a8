"""CSINode: the storage drivers of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSINode

KIND: Kind[CSINode] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csinodes", "CSINode", False),
    allow_unconditional_update=False,
)
