"""NetworkPolicy: which traffic pods accept and send."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created, selector
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.networking import networkpolicy_rules, older_versions

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import NetworkPolicy


def _row(obj: NetworkPolicy, now: datetime) -> list[Any]:
    return [obj.metadata.name, selector(obj.spec.podSelector), created(obj, now)]


def _default(obj: NetworkPolicy) -> None:
    spec = obj.spec
    if not spec.policyTypes:
        spec.policyTypes = ["Ingress", "Egress"] if spec.egress else ["Ingress"]
    for rule in (*(spec.ingress or ()), *(spec.egress or ())):
        for port in rule.ports or ():
            port.protocol = port.protocol or "TCP"


KIND: Kind[NetworkPolicy] = Kind(
    resource=Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True),
    versions=older_versions.NETWORK_POLICY,
    short_names=("netpol",),
    generation=True,
    columns=(NAME, Column("Pod-Selector"), AGE),
    row=_row,
    default=_default,
    check=networkpolicy_rules.check,
    warnings=networkpolicy_rules.warnings,
)
