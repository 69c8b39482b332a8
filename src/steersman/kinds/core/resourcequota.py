"""ResourceQuota: limits on what a namespace may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ResourceQuota

KIND: Kind[ResourceQuota] = Kind(
    resource=Resource("", "v1", "resourcequotas", "ResourceQuota", True),
    short_names=("quota",),
    subresources=frozenset({"status"}),
    allow_create_on_update=True,
)
