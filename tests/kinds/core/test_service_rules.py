"""Services: defaults by type, validation, and what an update keeps, drops and must not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.core.service import KIND

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]

WEB = "{metadata: {name: web, namespace: default}, spec: {ports: [{port: 80}]}}"
COMMON = {
    "internalTrafficPolicy": "Cluster",
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
    "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    "sessionAffinity": "None",
}


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ("{}", {**COMMON, "type": "ClusterIP"}),
        ("spec: {type: NodePort}", {**COMMON, "type": "NodePort", "externalTrafficPolicy": "Cluster"}),
        (
            "spec: {type: LoadBalancer}",
            {**COMMON, "type": "LoadBalancer", "externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": True},
        ),
        ("spec: {clusterIP: None}", {**COMMON, "type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"]}),
        (
            "spec: {sessionAffinity: ClientIP}",
            {**COMMON, "type": "ClusterIP", "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}},
        ),
        ("spec: {type: ExternalName, externalName: a.b, ports: null}", {"type": "ExternalName", "externalName": "a.b", "sessionAffinity": "None"}),
        ("spec: {externalIPs: [1.2.3.4]}", {**COMMON, "type": "ClusterIP", "externalIPs": ["1.2.3.4"], "externalTrafficPolicy": "Cluster"}),
    ],
)  # fmt: skip
def test_defaults(change: str, want: dict[str, Any], build: Build) -> None:
    assert codec.to_builtins(build(KIND, WEB, change))["spec"] == want


def test_a_new_service_has_an_empty_status(create: Build) -> None:
    assert codec.to_builtins(create(KIND, WEB))["status"] == {"loadBalancer": {}}


P = "spec.ports"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("spec: {clusterIP: None, ports: null}", []),
        ("spec: {type: ExternalName, externalName: a.b.}", []),
        ("spec: {ports: null}", [f"{P}: Required value"]),
        ("spec: {ports: [{port: 0}]}", [f"{P}[0].port: Invalid value: 0: must be between 1 and 65535, inclusive", f"{P}[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive"]),
        ("spec: {ports: [{port: 1}, {port: 2}]}", [f"{P}[0].name: Required value", f"{P}[1].name: Required value"]),
        ("spec: {ports: [{name: a, port: 1}, {name: a, port: 1}]}", [f'{P}[1].name: Duplicate value: "a"', f'{P}[1]: Duplicate value: {{"port":1,"protocol":"TCP"}}']),
        ("spec: {ports: [{port: 1, protocol: X}]}", [f'{P}[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"']),
        ("spec: {ports: [{port: 1, targetPort: '80'}]}", [f'{P}[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)']),
        ("spec: {ports: [{port: 1, nodePort: 30000}]}", [f"{P}[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        ("spec: {type: NodePort, ports: [{name: a, port: 1, nodePort: 30000}, {name: b, port: 2, nodePort: 30000}]}", [f"{P}[1].nodePort: Duplicate value: 30000"]),
        ("spec: {type: x}", ['spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']),
        ("spec: {type: NodePort, clusterIP: None}", ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]),
        ("spec: {type: ExternalName}", ["spec.externalName: Required value"]),
        ("spec: {type: ExternalName, externalName: a, clusterIPs: [1.2.3.4]}", ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"]),
        ("spec: {sessionAffinity: x}", ['spec.sessionAffinity: Unsupported value: "x": supported values: "ClientIP", "None"']),
        ("spec: {sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}}", ["spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400"]),
        ("spec: {externalIPs: [127.0.0.1]}", ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']),
        ("spec: {clusterIP: 10.0.0.300}", ['spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
        ("spec: {clusterIP: 'fd00::1', ipFamilies: [IPv4]}", ['spec.clusterIPs[0]: Invalid value: "fd00::1": expected an IPv4 value as indicated by `ipFamilies[0]`']),
        ("spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2]}", ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`']),
        ("spec: {externalTrafficPolicy: Local}", ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services']),
        ("spec: {healthCheckNodePort: 1}", ["spec.healthCheckNodePort: Invalid value: 1: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"]),
        ("spec: {loadBalancerSourceRanges: [x]}", ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'", 'spec.LoadBalancerSourceRanges[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']),
        ("spec: {allocateLoadBalancerNodePorts: true}", ["spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"]),
        ("spec: {trafficDistribution: x}", ['spec.trafficDistribution: Unsupported value: "x": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"']),
        ("spec: {ipFamilies: [IPv4, IPv4]}", ['spec.ipFamilies[1]: Duplicate value: "IPv4"']),
        ("spec: {clusterIP: None, clusterIPs: [None, 10.0.0.1]}", ["spec.clusterIPs: Invalid value: [\"None\",\"10.0.0.1\"]: 'None' must be the first and only value"]),
        ("spec: {clusterIPs: [10.0.0.1]}", ['spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified']),
        ("spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 10.0.0.2]}", ['spec.ipFamilies[1]: Duplicate value: "IPv4"', 'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family']),
        ("spec: {type: LoadBalancer, ports: [{port: 10250}]}", [f"{P}[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet"]),
        ("spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 70000}", ["spec.healthCheckNodePort: Invalid value: 70000: must be between 1 and 65535, inclusive"]),
        ("spec: {loadBalancerClass: a b}", ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"]),
        ("spec: {type: LoadBalancer, loadBalancerSourceRanges: [' 10.0.0.0/8 ']}", []),
        ("{metadata: {annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: '10.0.0.0/8, 10.1.0.0/16'}}, spec: {type: LoadBalancer}}", []),
        ("metadata: {annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: x}}", ["metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Forbidden: may only be used when `type` is 'LoadBalancer'", 'metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']),
        ("metadata: {annotations: {service.kubernetes.io/topology-mode: Auto, service.kubernetes.io/topology-aware-hints: Disabled}}", ['metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified']),
        ("metadata: {finalizers: [x]}", ['metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified']),
        ("metadata: {finalizers: [foregroundDeletion, a.b/c]}", []),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, WEB, change) == errors


GIVEN = """
metadata: {name: web, namespace: default}
spec: {type: NodePort, clusterIP: 10.0.0.5, clusterIPs: [10.0.0.5], ports: [{port: 80, nodePort: 30080}]}
"""


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {selector: {a: b}}", []),
        ("spec: {clusterIP: null, clusterIPs: null}", []),
        ("spec: {clusterIP: 10.0.0.6, clusterIPs: [10.0.0.6]}", ['spec.clusterIPs[0]: Invalid value: ["10.0.0.6"]: may not change once set']),
        ("spec: {clusterIP: 10.0.0.6}", ['spec.clusterIPs[0]: Invalid value: ["10.0.0.6"]: may not change once set']),
        ("spec: {type: ExternalName, externalName: a.b}", []),
        ("spec: {type: ClusterIP}", []),
        ("spec: {type: LoadBalancer}", []),
    ],
)  # fmt: skip
def test_update(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, GIVEN, change) == errors


DUAL = """
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.0.0.5, clusterIPs: [10.0.0.5, 'fd00::5'], ipFamilies: [IPv4, IPv6], ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}
"""


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {clusterIPs: [10.0.0.5], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack}", []),
        ("spec: {clusterIPs: [10.0.0.5], ipFamilies: [IPv4]}", [
            f'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be set to \'SingleStack\' when releasing the secondary {what}'
            for what in ("clusterIP", "ipFamily")
        ]),
    ],
)  # fmt: skip
def test_a_second_address_is_given_up_deliberately(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, DUAL, change) == errors


def _updated(build: Build, change: str) -> Any:
    old, new = build(KIND, GIVEN), build(KIND, GIVEN, change)
    KIND.prepare_update(new, old)
    return new.spec


def test_an_update_keeps_what_was_left_out(build: Build) -> None:
    spec = _updated(build, "spec: {clusterIP: null, clusterIPs: null, ports: [{port: 80}]}")
    assert (spec.clusterIP, spec.clusterIPs, spec.ports[0].nodePort) == ("10.0.0.5", ["10.0.0.5"], 30080)


def test_a_new_type_drops_what_it_cannot_have(build: Build) -> None:
    spec = _updated(build, "spec: {type: ClusterIP}")
    assert (spec.ports[0].nodePort, spec.externalTrafficPolicy) == (None, "")
    spec = _updated(build, "spec: {type: ExternalName, externalName: a}")
    assert (spec.clusterIP, spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy) == ("", None, None, "")


def test_status(status_errors_of: ErrorsOf) -> None:
    ingress = "{loadBalancer: {ingress: [{ip: 1.2.3.4, ipMode: VIP}]}}"
    balancer = GIVEN.replace("NodePort,", "LoadBalancer,")
    assert status_errors_of(KIND, balancer, "{}", ingress) == []
    assert status_errors_of(KIND, GIVEN, "{}", ingress) == [
        "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
    ]
    assert status_errors_of(KIND, balancer, "{}", "{loadBalancer: {ingress: [{hostname: 1.2.3.4}]}}") == [
        'status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'
    ]
