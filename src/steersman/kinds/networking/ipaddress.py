"""IPAddress: an address that a Service has taken."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, older
from steersman.kinds.networking import ipaddress_rules

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IPAddress


def _row(obj: IPAddress, now: datetime) -> list[Any]:
    return [obj.metadata.name, _parent(obj), created(obj, now)]


def _parent(obj: IPAddress) -> str:
    found = obj.spec.parentRef
    if found is None:
        return NONE
    parts = (f"{found.resource}.{found.group}" if found.group else found.resource, found.namespace, found.name)
    return "/".join(p for p in parts if p)


KIND: Kind[IPAddress] = Kind(
    resource=Resource("networking.k8s.io", "v1", "ipaddresses", "IPAddress", False),
    versions=(older(Resource("networking.k8s.io", "v1beta1", "ipaddresses", "IPAddress", False), "1.34", "1.37"),),
    short_names=("ip",),
    name_rule=names.canonical_ip,
    columns=(NAME, Column("ParentRef"), AGE),
    row=_row,
    check_new=ipaddress_rules.check_new,
    check_update=ipaddress_rules.check_update,
)
