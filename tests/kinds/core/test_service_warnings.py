"""What whoever writes a Service is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core.service import KIND

Build = Callable[..., Any]
WEB = "{metadata: {name: web, namespace: default}, spec: {ports: [{port: 80}]}}"
DEPRECATED = "spec.externalIPs is deprecated and may no longer be implemented in some clusters"


@pytest.mark.parametrize(
    ("change", "warnings"),
    [
        ("{}", []),
        ("spec: {clusterIP: None}", []),
        ("metadata: {annotations: {service.kubernetes.io/topology-aware-hints: Auto}}", ["annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead"]),
        ("spec: {clusterIP: 'FD00::1', clusterIPs: ['FD00::1']}", ['spec.clusterIPs[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")']),
        ("spec: {clusterIP: None, loadBalancerIP: 1.2.3.4, externalIPs: [1.2.3.4], sessionAffinity: ClientIP}", [
            "spec.loadBalancerIP is ignored for headless services", "spec.externalIPs is ignored for headless services",
            "spec.SessionAffinity is ignored for headless services",
        ]),
        ("spec: {externalIPs: [1.2.3.4]}", [DEPRECATED]),
        ("spec: {externalIPs: [01.2.3.4]}", ['spec.externalIPs[0]: non-standard IP address "01.2.3.4" is invalid: use "1.2.3.4"', DEPRECATED]),
        ("spec: {type: LoadBalancer, loadBalancerIP: 'FD00::1'}", ['spec.loadBalancerIP: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")']),
        ("spec: {type: LoadBalancer, loadBalancerSourceRanges: [10.1.0.0/8]}", ['spec.loadBalancerSourceRanges[0]: CIDR value "10.1.0.0/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.0.0/32"?)']),
        ("spec: {type: ExternalName, externalName: a.b, externalIPs: [1.2.3.4]}", ['spec.externalIPs is ignored when spec.type is "ExternalName"']),
        ("spec: {externalName: a.b}", ['spec.externalName is ignored when spec.type is not "ExternalName"']),
        ("spec: {trafficDistribution: PreferClose}", ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']),
        ("spec: {trafficDistribution: PreferSameZone}", []),
    ],
)  # fmt: skip
def test_warnings(change: str, warnings: list[str], build: Build) -> None:
    service = build(KIND, WEB, change)
    assert KIND.warnings(service) == KIND.warn_update(service, build(KIND, WEB)) == warnings


def test_of_a_status(build: Build) -> None:
    status = "{spec: {externalName: a.b}, status: {loadBalancer: {ingress: [{hostname: a.b}, {ip: 01.2.3.4}]}}}"
    service = build(KIND, WEB, status)
    assert KIND.warn_update(service, service, "status") == [
        'status.loadBalancer.ingress[1]: non-standard IP address "01.2.3.4" is invalid: use "1.2.3.4"'
    ]
