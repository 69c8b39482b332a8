"""Service: a stable address for a set of pods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, created, label_map
from steersman.kinds.core import service_rules, service_validation, service_warnings
from steersman.kinds.kind import AGE, NAME, Column, Kind, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Service, ServicePort


def _row(obj: Service, now: datetime) -> list[Any]:
    spec = obj.spec
    return [
        obj.metadata.name,
        spec.type,
        spec.clusterIP or NONE,
        _external_ip(obj),
        ",".join(_port(p) for p in spec.ports or ()) or NONE,
        created(obj, now),
        label_map(spec.selector),
    ]


def _external_ip(obj: Service) -> str:
    spec = obj.spec
    if spec.type == "ExternalName":
        return spec.externalName
    addresses = list(spec.externalIPs or ())
    if spec.type != "LoadBalancer":
        return ",".join(addresses) or NONE
    ingress = obj.status.loadBalancer.ingress if obj.status.loadBalancer else None
    balanced = sorted({i.ip or i.hostname for i in ingress or () if i.ip or i.hostname})
    return ",".join(balanced + addresses) or "<pending>"


def _port(port: ServicePort) -> str:
    node = f":{port.nodePort}" if port.nodePort else ""
    return f"{port.port}{node}/{port.protocol}"


KIND: Kind[Service] = Kind(
    resource=Resource("", "v1", "services", "Service", True),
    short_names=("svc",),
    categories=("all",),
    subresources=frozenset({"proxy", "status"}),
    name_rule=names.dns1123_label,
    allow_create_on_update=True,
    columns=(
        NAME,
        Column("Type"),
        Column("Cluster-IP"),
        Column("External-IP"),
        Column("Port(s)"),
        AGE,
        wide("Selector"),
    ),
    row=_row,
    selectable=lambda obj: {"spec.clusterIP": obj.spec.clusterIP, "spec.type": obj.spec.type},
    default=service_rules.default,
    on_create=service_rules.on_create,
    on_update=service_rules.on_update,
    check_new=service_validation.check_new,
    check_update=service_validation.check_update,
    check_status_update=service_validation.check_status_update,
    warnings=service_warnings.of_service,
    status_warnings=service_warnings.of_status,
)
