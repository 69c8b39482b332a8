"""IPAddress: an address that a Service has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IPAddress

KIND: Kind[IPAddress] = Kind(
    resource=Resource("networking.k8s.io", "v1", "ipaddresses", "IPAddress", False),
    short_names=("ip",),
    name_rule=names.canonical_ip,
)
