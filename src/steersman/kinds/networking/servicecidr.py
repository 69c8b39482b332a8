"""ServiceCIDR: a range for Service addresses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind, older
from steersman.kinds.networking import servicecidr_rules

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import ServiceCIDR


def _row(obj: ServiceCIDR, now: datetime) -> list[Any]:
    return [obj.metadata.name, ",".join(obj.spec.cidrs or ()), created(obj, now)]


KIND: Kind[ServiceCIDR] = Kind(
    resource=Resource("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", False),
    versions=(older(Resource("networking.k8s.io", "v1beta1", "servicecidrs", "ServiceCIDR", False), "1.34", "1.37"),),
    subresources=frozenset({"status"}),
    columns=(NAME, Column("CIDRs"), AGE),
    row=_row,
    check_new=servicecidr_rules.check_new,
    check_update=servicecidr_rules.check_update,
)
