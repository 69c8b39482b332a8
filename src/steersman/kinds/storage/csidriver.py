"""CSIDriver: what a storage driver can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSIDriver

KIND: Kind[CSIDriver] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csidrivers", "CSIDriver", False),
    generation=True,
    allow_unconditional_update=False,
)
