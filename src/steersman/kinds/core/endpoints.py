"""Endpoints: the addresses behind a Service, in the old form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Endpoints

KIND: Kind[Endpoints] = Kind(
    resource=Resource("", "v1", "endpoints", "Endpoints", True),
    short_names=("ep",),
    allow_create_on_update=True,
)
