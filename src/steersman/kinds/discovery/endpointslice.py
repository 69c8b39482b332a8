"""EndpointSlice: some of the addresses behind a Service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import UNSET, created, limited
from steersman.kinds.discovery import endpointslice_rules, older_versions
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.discovery_v1 import EndpointSlice


def _row(obj: EndpointSlice, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        obj.addressType,
        limited(_ports(obj)) or UNSET,
        limited([a for e in obj.endpoints or () for a in e.addresses]) or UNSET,
        created(obj, now),
    ]


def _ports(obj: EndpointSlice) -> list[str]:
    """The port numbers; a port without one is every port."""
    return ["*" if p.port is None else str(p.port) for p in obj.ports or ()]


def _default(obj: EndpointSlice) -> None:
    for port in obj.ports or ():
        port.name = port.name or ""
        port.protocol = port.protocol or "TCP"


KIND: Kind[EndpointSlice] = Kind(
    resource=Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", True),
    versions=older_versions.ENDPOINT_SLICE,
    generation=True,
    columns=(NAME, Column("AddressType"), Column("Ports"), Column("Endpoints"), AGE),
    row=_row,
    default=_default,
    check=endpointslice_rules.check,
    check_update=endpointslice_rules.check_update,
    warnings=endpointslice_rules.warnings,
    update_warnings=endpointslice_rules.update_warnings,
)
