"""IngressClass: which controller serves an Ingress."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.networking import ingressclass_rules, older_versions

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IngressClass


def _row(obj: IngressClass, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.controller, _parameters(obj), created(obj, now)]


def _parameters(obj: IngressClass) -> str:
    found = obj.spec.parameters
    if found is None:
        return NONE
    kind = f"{found.kind}.{found.apiGroup}" if found.apiGroup else found.kind
    return f"{kind}/{found.name}"


def _default(obj: IngressClass) -> None:
    if obj.spec.parameters and not obj.spec.parameters.scope:
        obj.spec.parameters.scope = "Cluster"


KIND: Kind[IngressClass] = Kind(
    resource=Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", False),
    versions=older_versions.INGRESS_CLASS,
    generation=True,
    columns=(NAME, Column("Controller"), Column("Parameters"), AGE),
    row=_row,
    check=ingressclass_rules.check,
    check_update=ingressclass_rules.check_update,
    default=_default,
)
