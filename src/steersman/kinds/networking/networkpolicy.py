"""NetworkPolicy: which traffic pods accept and send."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, created, selector
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import NetworkPolicy


def _row(obj: NetworkPolicy, now: datetime) -> list[Any]:
    return [obj.metadata.name, selector(obj.spec.podSelector) if obj.spec else NONE, created(obj, now)]


KIND: Kind[NetworkPolicy] = Kind(
    resource=Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True),
    short_names=("netpol",),
    generation=True,
    columns=(NAME, Column("Pod-Selector"), AGE),
    row=_row,
)
