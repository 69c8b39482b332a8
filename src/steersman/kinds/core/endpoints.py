"""Endpoints: the addresses behind a Service, in the old form."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, created, limited
from steersman.kinds.core import endpoints_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Endpoints


def _row(obj: Endpoints, now: datetime) -> list[Any]:
    return [obj.metadata.name, _addresses(obj), created(obj, now)]


def _addresses(obj: Endpoints) -> str:
    found: list[str] = []
    for subset in obj.subsets or ():
        ips = [a.ip for a in subset.addresses or ()]
        if not subset.ports:
            found += ips
        for port in subset.ports or ():
            found += [f"[{ip}]:{port.port}" if ":" in ip else f"{ip}:{port.port}" for ip in ips]
    return limited(found) or NONE


def _default(obj: Endpoints) -> None:
    for subset in obj.subsets or ():
        for port in subset.ports or ():
            port.protocol = port.protocol or "TCP"


KIND: Kind[Endpoints] = Kind(
    deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    resource=Resource("", "v1", "endpoints", "Endpoints", True),
    short_names=("ep",),
    allow_create_on_update=True,
    columns=(NAME, Column("Endpoints"), AGE),
    row=_row,
    default=_default,
    check_new=endpoints_rules.check_new,
    check_update=endpoints_rules.check_update,
    warnings=endpoints_rules.warnings,
)
