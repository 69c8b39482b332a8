"""Validation of the kinds of networking beside Ingress' and NetworkPolicy's own rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.networking import ingress, ingressclass, ipaddress, servicecidr

ErrorsOf = Callable[..., list[str]]

CIDR = "{metadata: {name: a}, spec: {cidrs: [10.0.0.0/16]}}"
ADDRESS = "{metadata: {name: 10.0.0.1}, spec: {parentRef: {resource: services, namespace: default, name: s}}}"
CLASS = "{metadata: {name: a}, spec: {controller: example.com/ingress}}"
INGRESS = "{metadata: {name: a, namespace: default}, spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}}"
BACKEND = "spec.defaultBackend"
FAMILIES = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"

CASES: list[tuple[Any, str, str, list[str]]] = [
    (servicecidr.KIND, CIDR, "spec: {cidrs: [10.0.0.0/16, 'fd00::/64']}", []),
    (servicecidr.KIND, CIDR, "spec: {cidrs: []}", ["spec.cidrs: Required value: at least one CIDR required"]),
    (servicecidr.KIND, CIDR, "spec: {cidrs: [10.0.0.0/16, 'fd00::/64', 10.1.0.0/16]}", ['spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/16","fd00::/64","10.1.0.0/16"]}: may only hold up to 2 values']),
    (servicecidr.KIND, CIDR, "spec: {cidrs: [10.0.0.0/16, 10.1.0.0/16]}", [f'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: {FAMILIES}']),
    (servicecidr.KIND, CIDR, "spec: {cidrs: [10.0.0.1/16]}", ['spec.cidrs[0]: Invalid value: "10.0.0.1/16": must not have bits set beyond the prefix length']),
    (servicecidr.KIND, CIDR, "spec: {cidrs: ['fd00:0::/64']}", ['spec.cidrs[0]: Invalid value: "fd00:0::/64": must be in canonical form ("fd00::/64")']),
    (ipaddress.KIND, ADDRESS, "{}", []),
    (ipaddress.KIND, ADDRESS, "metadata: {name: 010.0.0.1}", ['metadata.name: Invalid value: "010.0.0.1": must not have leading 0s']),
    (ipaddress.KIND, ADDRESS, "spec: {parentRef: null}", ["spec.parentRef: Required value"]),
    (ipaddress.KIND, ADDRESS, "spec: {parentRef: {resource: null, name: a/b}}", ["spec.parentRef.resource: Required value", "spec.parentRef.name: Invalid value: \"a/b\": may not contain '/'"]),
    (ingressclass.KIND, CLASS, "{}", []),
    (ingressclass.KIND, CLASS, "spec: {controller: null}", ["spec.controller: Required value"]),
    (ingressclass.KIND, CLASS, "spec: {controller: nginx}", ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")']),
    (ingressclass.KIND, CLASS, f"spec: {{controller: a.io/{'x' * 246}}}", ["spec.controller: Too long: may not be more than 250 bytes"]),
    (ingressclass.KIND, CLASS, "spec: {parameters: {kind: K, name: n}}", []),
    (ingressclass.KIND, CLASS, "spec: {parameters: {kind: K, name: n, scope: Namespace}}", ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"]),
    (ingressclass.KIND, CLASS, "spec: {parameters: {kind: K, name: n, namespace: x}}", ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]),
    (ingressclass.KIND, CLASS, "spec: {parameters: {scope: x}}", ["spec.parameters.kind: Required value", "spec.parameters.name: Required value", 'spec.parameters.scope: Unsupported value: "x": supported values: "Cluster", "Namespace"']),
    (ingress.KIND, INGRESS, "{metadata: {annotations: {kubernetes.io/ingress.class: a}}, spec: {ingressClassName: b}}", ['annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified']),
    (ingress.KIND, INGRESS, "spec: {defaultBackend: {service: null}}", [f'{BACKEND}: Invalid value: "": resource or service backend is required']),
    (ingress.KIND, INGRESS, "spec: {defaultBackend: {service: null, resource: {kind: K, apiGroup: a.io}}}", [f"{BACKEND}.resource.name: Required value"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"), CASES, ids=[f"{c[0].name}-{i}" for i, c in enumerate(CASES)]
)
def test_validation(kind: Any, base: str, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(kind, base, change) == errors


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"),
    [
        (servicecidr.KIND, CIDR, "spec: {cidrs: [10.0.0.0/16, 'fd00::/64']}", []),
        (servicecidr.KIND, CIDR, "spec: {cidrs: [10.1.0.0/16]}", ['spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable']),
        (servicecidr.KIND, CIDR, "spec: {cidrs: []}", ["spec.cidrs: Invalid value: []: field is immutable"]),
        (ipaddress.KIND, ADDRESS, "spec: {parentRef: {name: t}}", ['spec.parentRef: Invalid value: {"name":"t","namespace":"default","resource":"services"}: field is immutable']),
        (ingressclass.KIND, CLASS, "spec: {controller: a.io/b}", ['spec.controller: Invalid value: "a.io/b": field is immutable']),
    ],
)  # fmt: skip
def test_update(kind: Any, base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(kind, base, change) == errors


def test_the_status_of_an_ingress(status_errors_of: ErrorsOf) -> None:
    status = "{loadBalancer: {ingress: [{ip: x}, {hostname: 1.2.3.4}]}}"
    assert status_errors_of(ingress.KIND, INGRESS, "{}", status) == [
        'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]
