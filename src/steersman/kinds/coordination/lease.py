"""Lease: a lock or heartbeat that is renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.coordination_v1 import Lease

KIND: Kind[Lease] = Kind(
    resource=Resource("coordination.k8s.io", "v1", "leases", "Lease", True),
    allow_create_on_update=True,
    allow_unconditional_update=False,
)
