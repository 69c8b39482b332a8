"""What whoever writes of networks, storage and runtimes is told: unusual addresses, and labels that are out of use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.discovery import endpointslice
from steersman.kinds.networking import ingress, networkpolicy
from steersman.kinds.node import runtimeclass
from steersman.kinds.storage import csidriver, csistoragecapacity, storageclass

Build = Callable[..., Any]
META = "{metadata: {name: a, namespace: default}}"
CIDR = 'CIDR value "10.1.0.0/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.0.0/32"?)'
IP = 'IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")'
ZONE, NEW = (
    "failure-domain.beta.kubernetes.io/zone",
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
)
BLOCK = "ipBlock: {cidr: 10.1.0.0/8, except: [10.1.0.0/8]}"
CLASS = "kubernetes.io/ingress.class"
TOKENS = "spec: {tokenRequests: [{audience: a}]}"
SECRETS = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"
SLICE = "endpoints: [{addresses: ['FD00::1']}]"


@pytest.mark.parametrize(
    ("kind", "change", "warnings"),
    [
        (networkpolicy.KIND, f"spec: {{ingress: [{{from: [{{podSelector: {{}}}}, {{{BLOCK}}}]}}], egress: [{{to: [{{{BLOCK}}}]}}]}}", [
            f"spec.{at}.ipBlock.{name}: {CIDR}" for at in ("ingress[0].from[1]", "egress[0].to[0]") for name in ("cidr", "except[0]")
        ]),
        (networkpolicy.KIND, "{}", []),
        (ingress.KIND, f"metadata: {{annotations: {{{CLASS}: a}}}}", [f"annotation \"{CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"]),
        (ingress.KIND, f"{{metadata: {{annotations: {{{CLASS}: a}}}}, spec: {{ingressClassName: a}}}}", []),
        (endpointslice.KIND, f"{{addressType: IPv6, {SLICE}}}", [f"endpoints[0].addresses[0]: {IP}"]),
        (endpointslice.KIND, "{addressType: FQDN, endpoints: [{addresses: [a.b]}]}", ["spec.addressType: FQDN endpoints are deprecated"]),
        (endpointslice.KIND, f"{{metadata: {{labels: {{endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}}}}, {SLICE}}}", []),
        (storageclass.KIND, f"allowedTopologies: [{{matchLabelExpressions: [{{key: {ZONE}, values: [a]}}]}}]", [f"allowedTopologies[0].matchLabelExpressions[0].key: {NEW}"]),
        (csidriver.KIND, TOKENS, [SECRETS]),
        (csidriver.KIND, "spec: {tokenRequests: [{audience: a}], serviceAccountTokenInSecrets: false}", []),
        (csistoragecapacity.KIND, f"nodeTopology: {{matchLabels: {{{ZONE}: a}}, matchExpressions: [{{key: {ZONE}, operator: Exists}}]}}", [f"nodeTopology.matchExpressions[0].key: {ZONE} is {NEW}", f"nodeTopology.matchLabels.{ZONE}: {NEW}"]),
        (csistoragecapacity.KIND, "{}", []),
        (runtimeclass.KIND, f"scheduling: {{nodeSelector: {{{ZONE}: a, b: c}}}}", [f"scheduling.nodeSelector: {NEW}"]),
        (runtimeclass.KIND, "{}", []),
    ],
)  # fmt: skip
def test_warnings(kind: Any, change: str, warnings: list[str], build: Build) -> None:
    assert kind.warnings(build(kind, META, change)) == warnings


def test_who_knows_is_not_told_again(build: Build) -> None:
    new, old = (build(csidriver.KIND, META, TOKENS) for _ in range(2))
    assert csidriver.KIND.warn_update(new, old) == []
    assert csidriver.KIND.warn_update(new, build(csidriver.KIND, META)) == [SECRETS]
    annotated = build(ingress.KIND, META, f"metadata: {{annotations: {{{CLASS}: a}}}}")
    assert ingress.KIND.warn_update(annotated, annotated) == []


def test_of_a_status(build: Build) -> None:
    balanced = build(ingress.KIND, META, "status: {loadBalancer: {ingress: [{hostname: a}, {ip: 'FD00::1'}]}}")
    assert ingress.KIND.warn_update(balanced, balanced, "status") == [f"status.loadBalancer.ingress[1]: {IP}"]
