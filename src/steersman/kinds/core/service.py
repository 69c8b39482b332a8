"""Service: a stable address for a set of pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Service

KIND: Kind[Service] = Kind(
    resource=Resource("", "v1", "services", "Service", True),
    short_names=("svc",),
    categories=("all",),
    subresources=frozenset({"proxy", "status"}),
    name_rule=names.dns1035_label,
    allow_create_on_update=True,
)
