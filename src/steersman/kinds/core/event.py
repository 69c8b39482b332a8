"""Event: something that happened to an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Event

KIND: Kind[Event] = Kind(
    resource=Resource("", "v1", "events", "Event", True),
    short_names=("ev",),
    allow_create_on_update=True,
    ttl_seconds=3600,
)
