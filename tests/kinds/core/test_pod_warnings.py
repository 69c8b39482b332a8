"""What whoever creates a pod, or a template of pods, is told although it is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api.field import Path
from steersman.kinds.core import pod_warnings, podtemplate
from steersman.kinds.core.pod import KIND

Build = Callable[..., Any]

POD = "{metadata: {name: web, namespace: default}, spec: {containers: [{name: c, image: nginx}]}}"
OLD_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
OLD_APP_ARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'
NO_SELECTOR = "a null labelSelector results in matching no pod"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def _container(extra: str) -> str:
    return f"spec: {{containers: [{{name: c, image: nginx, {extra}}}]}}"


def _annotated(key: str, value: str = "x") -> str:
    return f"metadata: {{annotations: {{{key}: {value}}}}}"


def _volumes(*sources: str) -> str:
    return f"spec: {{volumes: [{', '.join(f'{{name: v{i}, {source}}}' for i, source in enumerate(sources))}]}}"


def _affinity(kind: str, when: str, term: str) -> str:
    return f"spec: {{affinity: {{{kind}: {{{when}: {term}}}}}}}"


SPEC = [
    ("{}", []),
    ("spec: {nodeSelector: {kubernetes.io/os: linux}}", []),
    (
        "spec: {nodeSelector: {beta.kubernetes.io/os: linux}}",
        ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
    ),
    (
        _affinity("nodeAffinity", REQUIRED, "{nodeSelectorTerms: [{matchExpressions: [{key: node-role.kubernetes.io/master, operator: Exists}]}]}"),
        [f'spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].key: node-role.kubernetes.io/master is use "node-role.kubernetes.io/control-plane" instead'],
    ),
    (
        _affinity("nodeAffinity", PREFERRED, "[{weight: 1, preference: {matchExpressions: [{key: app.kubernetes.io/created-by, operator: In, values: ['-']}]}}]"),
        [
            f"spec.affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].key: app.kubernetes.io/created-by is deprecated since v1.9",
            f"spec.affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].values[0]: - is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ],
    ),
    (
        "spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: failure-domain.beta.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway}]}",
        [
            'spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
            f"spec.topologySpreadConstraints[0].labelSelector: {NO_SELECTOR}",
        ],
    ),
    (
        _annotated("scheduler.alpha.kubernetes.io/critical-pod"),
        ['metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead'],
    ),
    (
        "metadata: {annotations: {security.alpha.kubernetes.io/unsafe-sysctls: a, security.alpha.kubernetes.io/sysctls: b}}",
        [
            'metadata.annotations[security.alpha.kubernetes.io/sysctls]: non-functional in v1.11+; use the "sysctls" field instead',
            'metadata.annotations[security.alpha.kubernetes.io/unsafe-sysctls]: non-functional in v1.11+; use the "sysctls" field instead',
        ],
    ),
    (_annotated("seccomp.security.alpha.kubernetes.io/pod", "unconfined"), [f"metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: {OLD_SECCOMP}"]),
    ("{metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}, spec: {securityContext: {seccompProfile: {type: Unconfined}}}}", []),
    (_annotated("container.seccomp.security.alpha.kubernetes.io/c", "unconfined"), [f"metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: {OLD_SECCOMP}"]),
    (
        _volumes("gitRepo: {repository: x}", "flocker: {datasetName: x}", "rbd: {monitors: [a], image: x}", "storageos: {}"),
        [
            "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
            "spec.volumes[1].flocker: deprecated in v1.22, non-functional in v1.25+",
            "spec.volumes[2].rbd: deprecated in v1.28, non-functional in v1.31+",
            "spec.volumes[3].storageOS: deprecated in v1.22, non-functional in v1.25+",
        ],
    ),
    (
        _volumes("ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1500m}}}}}"),
        ["spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer"],
    ),
    (
        "spec: {hostAliases: [{ip: 1.1.1.1}, {ip: 1.1.1.2}, {ip: 1.1.1.1}]}",
        ['spec.hostAliases[2].ip: duplicate ip "1.1.1.1"'],
    ),
    (
        "spec: {imagePullSecrets: [{name: a}, {name: a}, {}]}",
        ['spec.imagePullSecrets[1].name: duplicate name "a"', 'spec.imagePullSecrets[2].name: invalid empty name ""'],
    ),
    ("spec: {overhead: {memory: 100m, cpu: 100m}}", ["spec.overhead[memory]: fractional byte value \"100m\" is invalid, must be an integer"]),
    (
        _container("resources: {limits: {memory: 1100m, cpu: 100m}, requests: {ephemeral-storage: 10m, memory: 1}}"),
        [
            "spec.containers[0].resources.limits[memory]: fractional byte value \"1100m\" is invalid, must be an integer",
            "spec.containers[0].resources.requests[ephemeral-storage]: fractional byte value \"10m\" is invalid, must be an integer",
        ],
    ),
    (_container("env: [{name: A, value: a}, {name: B, value: b}]"), []),
    (_container("env: [{name: A, value: a}, {name: A, value: $(A)b}]"), []),
    (
        _container("env: [{name: A, value: a}, {name: A, value: $(A)}]"),
        ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
    ),
    (
        _container("env: [{name: A, value: a}, {name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"),
        ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
    ),
    ("spec: {terminationGracePeriodSeconds: -1}", []),
    (_affinity("podAffinity", REQUIRED, "[{topologyKey: zone, labelSelector: {}}]"), []),
    (_affinity("podAffinity", REQUIRED, "[{topologyKey: zone}]"), [f"spec.affinity.podAffinity.{REQUIRED}[0].labelSelector: {NO_SELECTOR}"]),
    (
        _affinity("podAntiAffinity", PREFERRED, "[{weight: 1, podAffinityTerm: {topologyKey: zone}}]"),
        [f"spec.affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.labelSelector: {NO_SELECTOR}"],
    ),
    (
        "spec: {dnsConfig: {nameservers: ['1::0', '1.1.1.1']}}",
        ['spec.dnsConfig.nameservers[0]: IPv6 address "1::0" should be in RFC 5952 canonical format ("1::")'],
    ),
    (
        "spec: {hostAliases: [{ip: '1::0'}]}",
        ['spec.hostAliases[0].ip: IPv6 address "1::0" should be in RFC 5952 canonical format ("1::")'],
    ),
    (
        "metadata: {name: a.b}",
        ["metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), SPEC)
def test_pod(change: str, expected: list[str], create: Build) -> None:
    pod = create(KIND, POD, change)
    assert KIND.warnings(pod) == expected
    assert KIND.warnings(pod) == expected, "what was remembered of the spec"


PORTS = [
    ("[{containerPort: 80}, {containerPort: 80, protocol: UDP}]", []),
    ("[{containerPort: 80, hostPort: 1}, {containerPort: 80, hostPort: 2}]", []),
    ("[{containerPort: 80, hostPort: 1, hostIP: 1.1.1.1}, {containerPort: 80, hostPort: 1, hostIP: 1.1.1.2}]", []),
    ("[{containerPort: 80}, {containerPort: 80}]", ["[1]: duplicate port definition with [0]"]),
    ("[{containerPort: 80, hostPort: 1}, {containerPort: 80}]", ["[1]: overlapping port definition with [0]"]),
    (
        "[{containerPort: 80}, {containerPort: 80, hostPort: 1}, {containerPort: 80, hostPort: 1, hostIP: 1.1.1.1}]",
        [
            "[1]: overlapping port definition with [0]",
            "[2]: overlapping port definition with [0]",
            "[2]: dangerously ambiguous port definition with [1]",
        ],
    ),
    (
        "[{containerPort: 80, hostPort: 1, hostIP: 1.1.1.1}, {containerPort: 80, hostPort: 1}]",
        ["[1]: dangerously ambiguous port definition with [0]"],
    ),
    (
        "[{containerPort: 80, hostIP: 1.1.1.1, name: a}]",
        ["[0]: hostIP set without hostPort: {Name:a HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.1.1.1}"],
    ),
]


@pytest.mark.parametrize(("ports", "expected"), PORTS)
def test_ports(ports: str, expected: list[str], create: Build) -> None:
    pod = create(KIND, POD, _container(f"ports: {ports}"))
    shown = [w.replace("spec.containers[0].ports", "") for w in KIND.warnings(pod)]
    assert shown == expected


def test_port_names_of_several_containers(create: Build) -> None:
    change = """spec:
      initContainers: [{name: i, image: x, ports: [{name: http, containerPort: 1}]}]
      containers: [{name: c, image: x, ports: [{name: http, containerPort: 2}, {name: other, containerPort: 3}]}]
    """
    assert KIND.warnings(create(KIND, POD, change)) == [
        'spec.containers[0].ports[0]: duplicate port name "http" with spec.initContainers[0].ports[0], '
        "services and probes that select ports by name will use spec.initContainers[0].ports[0]"
    ]


FILES = [
    ("configMap: {name: m, items: [{key: a, path: a}, {key: b, path: ab}]}", []),
    (
        "configMap: {name: m, items: [{key: a, path: x/y}, {key: b, path: x}]}",
        ['volume "v0" (ConfigMap "m"): overlapping paths: "x" with "x/y"'],
    ),
    (
        "secret: {secretName: s, items: [{key: a, path: x}, {key: b, path: x/}]}",
        ['volume "v0" (Secret "s"): overlapping paths: "x" with "x"'],
    ),
    (
        "downwardAPI: {items: [{path: x, fieldRef: {fieldPath: metadata.name}}, {path: x, fieldRef: {fieldPath: metadata.uid}}]}",
        ['volume "v0" (DownwardAPI): overlapping paths: "x" with "x"'],
    ),
    (
        "projected: {sources: [{}, {serviceAccountToken: {path: x}}, {secret: {name: s, items: [{key: a, path: x/a}, {key: b, path: y}]}}, {configMap: {name: m}}, {clusterTrustBundle: {signerName: a.b/c, path: x}}]}",
        [
            'volume "v0" (Projected) has no sources provided',
            'volume "v0" (Projected): overlapping paths: "x/a" (Secret "s") with "x" (ServiceAccountToken)',
            'volume "v0" (Projected): overlapping paths: "x" (ClusterTrustBundle "a.b/c") with "x" (ServiceAccountToken)',
            'volume "v0" (Projected): overlapping paths: "x" (ClusterTrustBundle "a.b/c") with "x/a" (Secret "s")',
        ],
    ),
    (
        "projected: {sources: [{podCertificate: {signerName: a.b/c, keyType: ED25519, keyPath: k, certificateChainPath: k/c}}]}",
        ['volume "v0" (Projected): overlapping paths: "k" (PodCertificate key) with "k/c" (PodCertificate chain)'],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), FILES)
def test_files(source: str, expected: list[str], create: Build) -> None:
    assert KIND.warnings(create(KIND, POD, _volumes(source))) == expected


def test_many_files_and_ports_are_compared_in_time(create: Build) -> None:
    """All in each other's way, or none: neither takes a while."""
    same = [{"key": "k", "path": "x"} for _ in range(20_000)]
    apart = [{"key": "k", "path": f"x{i}"} for i in range(20_000)]
    ports = [{"containerPort": 80, "hostPort": 1, "hostIP": f"10.0.{i >> 8}.{i & 255}"} for i in range(20_000)]
    pod = create(KIND, POD, {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s", "items": same}}]}})
    assert len(KIND.warnings(pod)) == 256
    pod = create(KIND, POD, {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s", "items": apart}}]}})
    assert KIND.warnings(pod) == []
    pod = create(KIND, POD, {"spec": {"containers": [{"name": "c", "image": "x", "ports": ports}]}})
    assert KIND.warnings(pod) == []
    for port in ports:
        del port["hostPort"]
    pod = create(KIND, POD, {"spec": {"containers": [{"name": "c", "image": "x", "ports": ports}]}})
    assert len(KIND.warnings(pod)) == 256


def test_a_template_with_a_negative_grace_period(build: Build) -> None:
    kept = build(
        podtemplate.KIND, "template: {spec: {terminationGracePeriodSeconds: -1, containers: [{name: c, image: x}]}}"
    )
    assert pod_warnings.of_template(kept.template, Path("template")) == [
        "template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
    ]


def test_template(build: Build) -> None:
    """The paths are those of the template, and an annotation for AppArmor is told of if no field says the same."""
    change = """
      metadata: {annotations: {
        container.apparmor.security.beta.kubernetes.io/c: runtime/default,
        container.apparmor.security.beta.kubernetes.io/d: unconfined}}
      spec:
        nodeSelector: {beta.kubernetes.io/arch: amd64}
        securityContext: {appArmorProfile: {type: Unconfined}}
        containers: [{name: c, image: x}, {name: d, image: x}]
    """
    template = build(KIND, POD, change)
    assert pod_warnings.of_template(template, Path("spec", "template")) == [
        'spec.template.spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
        f"spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: {OLD_APP_ARMOR}",
    ]


ADOPTED = [
    ("runtime/default", {"type": "RuntimeDefault"}, True),
    ("unconfined", {"type": "Unconfined"}, True),
    ("localhost/mine", {"type": "Localhost", "localhostProfile": "mine"}, True),
    ("localhost/", None, True),
    ("localhost/ ", None, True),
    ("", None, True),
]


@pytest.mark.parametrize(("value", "profile", "told"), ADOPTED)
def test_app_armor_annotation_becomes_a_field(
    value: str, profile: dict[str, str] | None, told: bool, build: Build
) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/c"
    pod = build(KIND, POD, {"metadata": {"annotations": {key: value}}})
    assert KIND.early_warnings(pod) == ([f"metadata.annotations[{key}]: {OLD_APP_ARMOR}"] if told else [])
    KIND.prepare_create(pod)
    context = pod.spec.containers[0].securityContext
    assert (context.appArmorProfile if context else None) == (
        build(
            KIND, POD, {"spec": {"securityContext": {"appArmorProfile": profile}}}
        ).spec.securityContext.appArmorProfile
    )
    assert KIND.warnings(pod) == []


QUIET = [
    "spec: {securityContext: {appArmorProfile: {type: RuntimeDefault}}}",
    "spec: {containers: [{name: c, image: x, securityContext: {appArmorProfile: {type: Unconfined}}}]}",
    "spec: {os: {name: windows}}",
    "spec: {containers: [{name: other, image: x}]}",
]


@pytest.mark.parametrize("change", QUIET)
def test_app_armor_annotation_that_changes_nothing(change: str, build: Build) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/c"
    pod = build(KIND, POD, {"metadata": {"annotations": {key: "runtime/default"}}}, change)
    before = pod.spec.containers[0].securityContext
    assert KIND.early_warnings(pod) == []
    KIND.prepare_create(pod)
    assert pod.spec.containers[0].securityContext is before


def test_changes(create: Build, build: Build) -> None:
    """Plain changes are not told of; a status is, if its addresses are unusual."""
    old = create(KIND, POD, "spec: {nodeSelector: {beta.kubernetes.io/os: linux}}")
    new = create(KIND, POD, "spec: {nodeSelector: {beta.kubernetes.io/os: linux}}")
    assert KIND.warn_update(new, old) == []
    reported = build(KIND, POD, "status: {podIPs: [{ip: '1::0'}], hostIPs: [{ip: 1.1.1.1}]}")
    assert KIND.warn_update(reported, old, "status") == [
        'status.podIPs[0].ip: IPv6 address "1::0" should be in RFC 5952 canonical format ("1::")'
    ]
