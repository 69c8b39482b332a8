"""Ingress: HTTP routes to Services."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, created, limited
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.networking import ingress_rules, older_versions

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import Ingress


def _row(obj: Ingress, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        obj.spec.ingressClassName or NONE,
        _hosts(obj),
        _addresses(obj),
        "80, 443" if obj.spec.tls else "80",
        created(obj, now),
    ]


def _hosts(obj: Ingress) -> str:
    rules = obj.spec.rules or []
    hosts = [r.host for r in rules if r.host]
    return limited(hosts, len(rules)) if hosts else "*"


def _addresses(obj: Ingress) -> str:
    ingress = obj.status.loadBalancer.ingress if obj.status.loadBalancer else None
    return ",".join(sorted({i.ip or i.hostname for i in ingress or () if i.ip or i.hostname}))


KIND: Kind[Ingress] = Kind(
    resource=Resource("networking.k8s.io", "v1", "ingresses", "Ingress", True),
    versions=older_versions.INGRESS,
    short_names=("ing",),
    subresources=frozenset({"status"}),
    generation=True,
    columns=(NAME, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), AGE),
    row=_row,
    check=ingress_rules.check,
    check_new=ingress_rules.check_new,
    check_status_update=ingress_rules.check_status_update,
    warnings=ingress_rules.warnings,
    update_warnings=lambda new, old: [],
    status_warnings=ingress_rules.status_warnings,
)
