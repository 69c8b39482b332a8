"""What whoever writes a Service is told: fields that do nothing, and those that are on their way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.field import Path, quote
from steersman.kinds.address_warnings import cidr_warnings, ip_warnings
from steersman.kinds.core.service_families import EXTERNAL_NAME, NONE

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Service, ServiceSpec

_SPEC = Path("spec")
_HINTS, _MODE = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


def of_service(service: Service) -> list[str]:
    spec = service.spec
    headless = spec.type == "ClusterIP" and spec.clusterIP == NONE
    warnings: list[str] = []
    if _HINTS in (service.metadata.annotations or ()):
        warnings.append(f"annotation {_HINTS} is deprecated, please use {_MODE} instead")
    if spec.clusterIP not in ("", NONE):
        for i, ip in enumerate(spec.clusterIPs or ()):
            warnings += ip_warnings(_SPEC.child("clusterIPs").index(i), ip)
    if headless:
        warnings += _of_headless(spec)
    warnings += _of_addresses(spec, headless)
    if spec.type == EXTERNAL_NAME and spec.externalIPs:
        warnings.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec.type != EXTERNAL_NAME and spec.externalName:
        warnings.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.trafficDistribution == "PreferClose":
        warnings.append(
            f"spec.trafficDistribution: {quote('PreferClose')} is deprecated; use {quote('PreferSameZone')}"
        )
    return warnings


def _of_headless(spec: ServiceSpec) -> list[str]:
    ignored = {
        "loadBalancerIP": bool(spec.loadBalancerIP),
        "externalIPs": bool(spec.externalIPs),
        "SessionAffinity": spec.sessionAffinity != "None",
    }
    return [f"spec.{name} is ignored for headless services" for name, said in ignored.items() if said]


def _of_addresses(spec: ServiceSpec, headless: bool) -> list[str]:
    warnings: list[str] = []
    for i, ip in enumerate(spec.externalIPs or ()):
        warnings += ip_warnings(_SPEC.child("externalIPs").index(i), ip)
    if spec.externalIPs and not headless and spec.type != EXTERNAL_NAME:
        warnings.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec.loadBalancerIP:
        warnings += ip_warnings(_SPEC.child("loadBalancerIP"), spec.loadBalancerIP)
    for i, text in enumerate(spec.loadBalancerSourceRanges or ()):
        warnings += cidr_warnings(_SPEC.child("loadBalancerSourceRanges").index(i), text)
    return warnings


def of_status(service: Service) -> list[str]:
    at = Path("status", "loadBalancer", "ingress")
    ingresses = (service.status.loadBalancer.ingress if service.status.loadBalancer else None) or ()
    return [w for i, ingress in enumerate(ingresses) if ingress.ip for w in ip_warnings(at.index(i), ingress.ip)]
