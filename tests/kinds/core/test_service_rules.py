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
        ("spec: {clusterIP: None}", {**COMMON, "type": "ClusterIP", "clusterIP": "None"}),
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
        ("spec: {ports: [{name: a, port: 1}, {name: a, port: 1}]}", [f'{P}[1].name: Duplicate value: "a"', f'{P}[1]: Duplicate value: {{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}}']),
        ("spec: {ports: [{port: 1, protocol: X}]}", [f'{P}[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"']),
        ("spec: {ports: [{port: 1, targetPort: '80'}]}", [f'{P}[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)']),
        ("spec: {ports: [{port: 1, nodePort: 30000}]}", [f"{P}[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        ("spec: {type: NodePort, ports: [{name: a, port: 1, nodePort: 30000}, {name: b, port: 2, nodePort: 30000}]}", [f"{P}[1].nodePort: Duplicate value: 30000"]),
        ("spec: {type: x}", ['spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']),
        ("spec: {type: NodePort, ports: [{port: 1, nodePort: 70000}]}", []),
        ("spec: {type: x, ports: [{port: 1}, {port: 1}]}", [f"{P}[0].name: Required value", f"{P}[1].name: Required value", 'spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"', f'{P}[1]: Duplicate value: {{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}}']),
        ("spec: {type: NodePort, clusterIP: None}", ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]),
        ("spec: {type: ExternalName}", ["spec.externalName: Required value"]),
        ("spec: {type: ExternalName, externalName: a, clusterIPs: [1.2.3.4]}", ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"]),
        ("spec: {type: ExternalName, externalName: a, clusterIP: 1.2.3.4}", ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"]),
        ("spec: {type: ExternalName, externalName: a, ipFamilies: [x], ipFamilyPolicy: x}", [f"spec.{name}: Forbidden: may not be set for ExternalName services" for name in ("ipFamilies", "ipFamilyPolicy")]),
        ("spec: {type: ExternalName, externalName: a, internalTrafficPolicy: x}", ['spec.internalTrafficPolicy: Unsupported value: "x": supported values: "Cluster", "Local"']),
        ("spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2], ipFamilies: [x], ipFamilyPolicy: y}", [
            'spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`', 'spec.ipFamilies[0]: Unsupported value: "x": supported values: "IPv4", "IPv6"',
            'spec.ipFamilyPolicy: Unsupported value: "y": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
        ]),
        ("spec: {clusterIP: 010.0.0.1}", ['spec.clusterIPs[0]: Invalid value: "010.0.0.1": must not have leading 0s']),
        ("spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 'fd00::1', 10.0.0.2]}", ['spec.clusterIPs: Invalid value: ["10.0.0.1","fd00::1","10.0.0.2"]: may only hold up to 2 values', 'spec.clusterIPs: Invalid value: ["10.0.0.1","fd00::1","10.0.0.2"]: may specify no more than one IP for each IP family']),
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
        ("spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 10.0.0.2]}", ['spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family']),
        ("spec: {type: LoadBalancer, ports: [{port: 10250}]}", []),
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
BALANCED = """
metadata: {name: web, namespace: default}
spec: {type: LoadBalancer, loadBalancerClass: a.b/c, clusterIP: 10.0.0.5, externalTrafficPolicy: Local, healthCheckNodePort: 30001, ports: [{port: 80}]}
"""
FIXED = "may not change once set"


@pytest.mark.parametrize(
    ("base", "change", "errors"),
    [
        (GIVEN, "spec: {selector: {a: b}}", []),
        (GIVEN, "spec: {clusterIP: null, clusterIPs: null}", []),
        (GIVEN, "spec: {clusterIP: 10.0.0.6, clusterIPs: [10.0.0.6]}", [f'spec.clusterIPs[0]: Invalid value: ["10.0.0.6"]: {FIXED}']),
        (GIVEN, "spec: {clusterIP: 10.0.0.6}", [f'spec.clusterIPs[0]: Invalid value: ["10.0.0.6"]: {FIXED}']),
        (GIVEN, "spec: {clusterIP: None, type: ClusterIP}", [f'spec.clusterIPs[0]: Invalid value: ["None"]: {FIXED}']),
        (GIVEN, "spec: {clusterIPs: [10.0.0.7]}", [f'spec.clusterIPs[0]: Invalid value: ["10.0.0.7"]: {FIXED}', 'spec.clusterIPs: Invalid value: ["10.0.0.7"]: first value must match `clusterIP`']),
        (GIVEN, "spec: {type: ExternalName, externalName: a.b}", []),
        (GIVEN, "spec: {type: ClusterIP}", []),
        (GIVEN, "spec: {type: LoadBalancer}", []),
        (GIVEN, "spec: {type: ClusterIP, ports: [{port: 80, nodePort: 30081}]}", ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        (BALANCED, "spec: {externalTrafficPolicy: Cluster}", []),
        (BALANCED, "spec: {type: ClusterIP, externalTrafficPolicy: null}", []),
        (BALANCED, "spec: {healthCheckNodePort: 30002}", ["spec.healthCheckNodePort: Forbidden: field is immutable"]),
        (BALANCED, "spec: {loadBalancerClass: a b}", [
            f'spec.loadBalancerClass: Invalid value: "a b": {FIXED}',
            *2 * ["spec.loadBalancerClass: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"],
        ]),
        (BALANCED, "spec: {loadBalancerClass: null}", [f"spec.loadBalancerClass: Invalid value: null: {FIXED}"]),
    ],
)  # fmt: skip
def test_update(base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, base, change) == errors


OLD_WORDS = """
metadata: {name: web, namespace: default, annotations: {service.beta.kubernetes.io/load-balancer-source-ranges: 10.1.0.0/8}}
spec: {type: LoadBalancer, clusterIP: 010.0.0.5, externalIPs: [001.2.3.4], loadBalancerSourceRanges: [10.1.0.0/8], ports: [{port: 80}]}
"""


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {selector: {a: b}}", []),
        ("spec: {loadBalancerSourceRanges: null}", []),
        ("spec: {loadBalancerSourceRanges: [' 10.1.0.0/8', 10.2.0.0/8]}", ['spec.LoadBalancerSourceRanges[1]: Invalid value: "10.2.0.0/8": must not have bits set beyond the prefix length']),
        ("spec: {externalIPs: [01.2.3.5]}", ['spec.externalIPs[0]: Invalid value: "01.2.3.5": must not have leading 0s']),
    ],
)  # fmt: skip
def test_what_was_good_once_stays_good(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, OLD_WORDS, change) == errors


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


FAMILIES = """
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.0.0.5, clusterIPs: [10.0.0.5], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, ports: [{port: 80}]}
"""


@pytest.mark.parametrize(
    ("base", "change", "errors"),
    [
        (FAMILIES, "spec: {ipFamilies: [IPv6]}", [f'spec.ipFamilies[0]: Invalid value: ["IPv6"]: {FIXED}', 'spec.clusterIPs[0]: Invalid value: "10.0.0.5": expected an IPv6 value as indicated by `ipFamilies[0]`']),
        (DUAL, "spec: {ipFamilies: [IPv6], clusterIP: 'fd00::5', clusterIPs: ['fd00::5'], ipFamilyPolicy: SingleStack}", [f'spec.clusterIPs[0]: Invalid value: ["fd00::5"]: {FIXED}', f'spec.ipFamilies[0]: Invalid value: ["fd00::5"]: {FIXED}']),
    ],
)  # fmt: skip
def test_families_stay(base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, base, change) == errors


def _updated(build: Build, change: str) -> Any:
    old, new = build(KIND, GIVEN), build(KIND, GIVEN, change)
    KIND.prepare_update(new, old)
    return new.spec


def test_an_update_keeps_what_was_left_out(build: Build) -> None:
    spec = _updated(build, "spec: {clusterIP: null, clusterIPs: null, ports: [{port: 80}]}")
    assert (spec.clusterIP, spec.clusterIPs, spec.ports[0].nodePort) == ("10.0.0.5", ["10.0.0.5"], 30080)


TWO = """
metadata: {name: web, namespace: default}
spec: {type: NodePort, ports: [{name: a, port: 80, nodePort: 30080}, {name: b, port: 81, nodePort: 30081}]}
"""


@pytest.mark.parametrize(
    ("ports", "kept"),
    [
        ("[{name: a, port: 90}, {name: b, port: 91}]", [30080, 30081]),
        ("[{name: b, port: 80}, {name: c, port: 81}]", [30081, None]),
        ("[{name: a, port: 80, nodePort: 30081}, {name: b, port: 81}]", [30081, None]),
        ("[{name: a, port: 80, nodePort: 30090}, {name: b, port: 81}]", [30090, 30081]),
    ],
)
def test_a_port_keeps_the_node_port_of_its_name(ports: str, kept: list[int | None], build: Build) -> None:
    old, new = build(KIND, TWO), build(KIND, TWO, f"spec: {{ports: {ports}}}")
    KIND.prepare_update(new, old)
    assert [p.nodePort for p in new.spec.ports] == kept


def test_who_wants_no_node_ports_is_given_none_back(build: Build) -> None:
    change = "spec: {type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]}"
    assert _updated(build, change).ports[0].nodePort is None


def test_a_new_type_drops_what_it_cannot_have(build: Build) -> None:
    spec = _updated(build, "spec: {type: ClusterIP}")
    assert (spec.ports[0].nodePort, spec.externalTrafficPolicy) == (None, "")
    spec = _updated(build, "spec: {type: ExternalName, externalName: a}")
    assert (spec.clusterIP, spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy) == ("", None, None, "")
    assert spec.internalTrafficPolicy == ""


def test_what_balanced_the_load_is_forgotten_with_the_type(build: Build) -> None:
    status = "status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"
    old, new = build(KIND, BALANCED, status), build(KIND, BALANCED, "spec: {type: ClusterIP}")
    KIND.prepare_update(new, old)
    assert not new.status.loadBalancer.ingress
    assert new.spec.healthCheckNodePort is None
    assert [i.ip for i in old.status.loadBalancer.ingress] == ["1.2.3.4"]


INGRESS = "status.loadBalancer.ingress"


@pytest.mark.parametrize(
    ("type", "before", "ingress", "errors"),
    [
        ("LoadBalancer", "[]", "[{ip: 1.2.3.4, ipMode: VIP}, {hostname: a.b}]", []),
        ("NodePort", "[]", "[{ip: 1.2.3.4, ipMode: VIP}]", [f"{INGRESS}: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]),
        ("LoadBalancer", "[]", "[{hostname: 1.2.3.4}]", [f'{INGRESS}[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']),
        ("LoadBalancer", "[]", "[{hostname: a.b, ipMode: VIP}]", [f"{INGRESS}[0].ipMode: Forbidden: may not be specified when `ip` is not set"]),
        ("LoadBalancer", "[]", "[{ip: 1.2.3.4}]", [f"{INGRESS}[0].ipMode: Required value: must be specified when `ip` is set"]),
        ("LoadBalancer", "[]", "[{ip: 1.2.3.4, ipMode: x}]", [f'{INGRESS}[0].ipMode: Unsupported value: "x": supported values: "Proxy", "VIP"']),
        ("LoadBalancer", "[]", "[{ip: 01.2.3.4, ipMode: VIP}]", [f'{INGRESS}[0].ip: Invalid value: "01.2.3.4": must not have leading 0s']),
        ("LoadBalancer", "[{ip: 01.2.3.4, ipMode: VIP}]", "[{ip: 01.2.3.4, ipMode: Proxy}]", []),
    ],
)  # fmt: skip
def test_status(type: str, before: str, ingress: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    base = GIVEN.replace("NodePort,", f"{type},")
    old, new = (f"{{loadBalancer: {{ingress: {found}}}}}" for found in (before, ingress))
    assert status_errors_of(KIND, base, old, new) == errors
