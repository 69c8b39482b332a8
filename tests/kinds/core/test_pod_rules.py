"""Rules of pod specs one by one, each with a pod that keeps it and one that does not, in Kubernetes' words and order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.apps import deployment
from steersman.kinds.core.pod import KIND

ErrorsOf = Callable[..., list[str]]

POD = "{metadata: {name: web, namespace: default}, spec: {containers: [{name: c, image: nginx}]}}"
C, I, V = "spec.containers[0]", "spec.initContainers[0]", "spec.volumes[0]"  # noqa: E741
LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
USERNS = "when `hostUsers` is false"
TYPE = "may not specify more than 1 volume type"


def _container(extra: str, more: str = "") -> str:
    return f"spec: {{containers: [{{name: c, image: nginx, {extra}}}]{more}}}"


def _init(extra: str, more: str = "") -> str:
    return f"spec: {{initContainers: [{{name: i, image: nginx, {extra}}}]{more}}}"


def _volume(source: str, more: str = "") -> str:
    return f"spec: {{volumes: [{{name: v, {source}}}]{more}}}"


def _file_variable(volume: str, path: str = "f") -> str:
    ref = f"{{volumeName: {volume}, path: {path}, key: K}}"
    return f", containers: [{{name: c, image: x, env: [{{name: A, valueFrom: {{fileKeyRef: {ref}}}}}]}}]"


RULES: list[tuple[str, str, list[str]]] = [
    (
        _volume("emptyDir: {}", ", containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}]"),
        _volume("secret: {}", ", containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}]"),
        [f"{V}.secret.secretName: Required value", f'{C}.volumeMounts[0].name: Not found: "v"'],
    ),
    (
        _volume("configMap: {name: a}"),
        _volume("configMap: {name: a}, emptyDir: {sizeLimit: 1}, downwardAPI: {}, cephfs: {}"),
        [f"{V}.cephFS: Forbidden: {TYPE}", f"{V}.downwarAPI: Forbidden: {TYPE}", f"{V}.configMap: Forbidden: {TYPE}"],
    ),
    (_volume("image: {reference: r}"), _volume("image: {}"), [f"{V}.image.reference: Required value"]),
    (_volume("csi: {driver: a.b}"), _volume("csi: {driver: ''}"), [f"{V}.csi.driver: Required value"]),
    (
        _volume("quobyte: {registry: 'a:1,b:2', volume: v}"),
        _volume("quobyte: {registry: 'a:1,b', volume: ''}"),
        [f'{V}.quobyte.registry: Invalid value: "a:1,b": must be a host:port pair or multiple pairs separated by commas', f"{V}.quobyte.volume: Required value"],
    ),
    (
        _volume("projected: {sources: [{podCertificate: {signerName: a.b/c, keyType: ED25519, keyPath: k, userAnnotations: {a.b/c: d}}}]}"),
        _volume("projected: {sources: [{podCertificate: {signerName: a.b/c, keyType: ED25519, keyPath: k, userAnnotations: {plain: d}}}]}"),
        [f'{V}.projected.sources[0].podCertificate.userAnnotations: Invalid value: "plain": must be a domain-prefixed key (such as "acme.io/foo")'],
    ),
    (
        _container("envFrom: [{configMapRef: {name: a-}}, {secretRef: {name: b}}]"),
        _container("envFrom: [{configMapRef: {name: ''}}]"),
        [f"{C}.envFrom[0].configMapRef.name: Required value"],
    ),
    (
        _container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}]"),
        _container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: pods, divisor: 3}}}]"),
        [f'{C}.env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "pods": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"'],
    ),
    (
        _volume("emptyDir: {}", _file_variable("v")),
        _volume("configMap: {name: a}", _file_variable("v")),
        [f'{C}.env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of type emptyDir'],
    ),
    (
        _volume("emptyDir: {}", _file_variable("v", "/a/b")),
        _volume("emptyDir: {}", _file_variable("V", "../f")),
        [
            f'{C}.env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "V": {LABEL}',
            f"{C}.env[0].valueFrom.fileKeyRef.path: Invalid value: \"../f\": must not contain '..'",
            f'{C}.env[0].valueFrom.fileKeyRef.volumeName: Not found: "V"',
        ],
    ),
    (
        _container("resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]", ", restartPolicy: Never"),
        _container("resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]", ", restartPolicy: Never"),
        [f"{C}.resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'"],
    ),
    (
        _init("restartPolicy: Always, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]"),
        _init("resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]"),
        [f"{I}.resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": must not be set to 'RestartContainer' for non-sidecar initContainers"],
    ),
    (
        _init("restartPolicy: OnFailure, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"),
        _init("restartPolicyRules: [{action: Other}]"),
        [f"{I}.restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    ),
    (
        _container("restartPolicy: Never"),
        _container("restartPolicy: Sometimes"),
        [f'{C}.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'],
    ),
    (
        _container("restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: NotIn, values: [1]}}]"),
        _container("restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: '', values: [1]}}]"),
        [f'{C}.restartPolicyRules[0].exitCodes.operator: Unsupported value: "": supported values: "In", "NotIn"'],
    ),
    (
        "spec: {hostUsers: false}",
        "spec: {hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true}",
        [f"spec.hostNetwork: Forbidden: {USERNS}", f"spec.HostPID: Forbidden: {USERNS}", f"spec.HostIPC: Forbidden: {USERNS}"],
    ),
    (
        _volume("persistentVolumeClaim: {claimName: p}", ", containers: [{name: c, image: x, volumeDevices: [{name: v, devicePath: /d}]}]"),
        _volume("persistentVolumeClaim: {claimName: p}", ", hostUsers: false, containers: [{name: c, image: x, volumeDevices: [{name: v, devicePath: /d}]}]"),
        [f"{C}.volumeDevices: Forbidden: {USERNS}"],
    ),
    (
        "spec: {hostnameOverride: a.b}",
        f"spec: {{hostnameOverride: {'a' * 65}, hostNetwork: true, setHostnameAsFQDN: true}}",
        [
            "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
            "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
            "spec.hostnameOverride: Too long: may not be more than 64 bytes",
        ],
    ),
    (
        "spec: {resourceClaims: [{name: a, resourceClaimName: b}]}",
        "spec: {resourceClaims: [{name: a, resourceClaimName: b, resourceClaimTemplateName: c}]}",
        ['spec.resourceClaims[0]: Invalid value: {"Name":"a","ResourceClaimName":"b","ResourceClaimTemplateName":"c"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'],
    ),
    (
        "{metadata: {annotations: {kubernetes.io/config.mirror: x}}, spec: {nodeName: n}}",
        "{metadata: {annotations: {kubernetes.io/config.mirror: x}}, spec: {nodeName: n, resourceClaims: [{name: a, resourceClaimName: b}]}}",
        [": Forbidden: static pods do not support resource claims"],
    ),
    (
        _container("resources: {claims: [{name: a, request: x}, {name: a, request: y}]}", ", resourceClaims: [{name: a, resourceClaimName: b}]"),
        _container("resources: {claims: [{name: a, request: x}, {name: a, request: x}]}", ", resourceClaims: [{name: a, resourceClaimName: b}]"),
        [f'{C}.resources.claims[1]: Duplicate value: "a/x"'],
    ),
    (
        "spec: {resources: {limits: {cpu: 1}}}",
        "spec: {resources: {claims: [], limits: {cpu: 1}}}",
        ["spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level"],
    ),
    (
        "spec: {tolerations: [{key: a, operator: Gt, value: '-5'}]}",
        "spec: {tolerations: [{key: a, operator: Lt, value: '05'}]}",
        ['spec.tolerations[0].value: Invalid value: "05": must be a valid decimal integer in canonical form'],
    ),
    (
        "spec: {tolerations: [{key: a, operator: Gt, value: '9223372036854775807'}]}",
        "spec: {tolerations: [{key: a, operator: Gt, value: '9223372036854775808'}]}",
        ['spec.tolerations[0].value: Invalid value: "9223372036854775808": strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    ),
    (
        "metadata: {annotations: {scheduler.alpha.kubernetes.io/tolerations: '[{\"key\": \"a\", \"operator\": \"Exists\"}]'}}",
        "metadata: {annotations: {scheduler.alpha.kubernetes.io/tolerations: '[{\"key\": \"a\", \"operator\": \"In\"}]'}}",
        ['metadata.annotations.scheduler.alpha.kubernetes.io/tolerations[0].operator: Unsupported value: "In": supported values: "Equal", "Exists"'],
    ),
    (
        "spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}]}",
        "spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: z, whenUnsatisfiable: ScheduleAnyway, minDomains: 0}, {maxSkew: 1, topologyKey: z, whenUnsatisfiable: ScheduleAnyway}]}",
        [
            'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, ScheduleAnyway}"',
            "spec.topologySpreadConstraints[0].minDomains: Invalid value: 0: must be greater than zero",
            "spec.topologySpreadConstraints[0].minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
        ],
    ),
    (
        _container("securityContext: {runAsUser: 1}"),
        _container("securityContext: {runAsUser: -1, appArmorProfile: {type: Other, localhostProfile: p}, seccompProfile: {type: Other}}"),
        [
            f"{C}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            f'{C}.securityContext.seccompProfile.type: Unsupported value: "Other": supported values: "Localhost", "RuntimeDefault", "Unconfined"',
            f'{C}.securityContext.appArmorProfile.type: Unsupported value: "Other": supported values: "Localhost", "RuntimeDefault", "Unconfined"',
        ],
    ),
    (
        _container("imagePullPolicy: Always", ", hostname: a"),
        "spec: {containers: [], restartPolicy: X, dnsPolicy: Y, nodeName: A_, hostname: B_, priorityClassName: C_}",
        ["spec.containers: Required value", "spec.restartPolicy", "spec.dnsPolicy", "spec.nodeName", "spec.hostname", "spec.priorityClassName"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "errors"), RULES, ids=range(len(RULES)))
def test_rule(good: str, bad: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, POD, good) == []
    got = errors_of(KIND, POD, bad)
    assert [g[: len(e)] if ": " not in e else g for g, e in zip(got, errors, strict=False)] == errors
    assert len(got) == len(errors)


EPHEMERAL = [
    ("{name: e, image: x}", []),
    (
        "{name: e, image: x, ports: [{containerPort: 1}], resources: {claims: [{name: a}]}, restartPolicy: Never, restartPolicyRules: [{action: Restart}], lifecycle: {preStop: {sleep: {seconds: 1}}}}",
        ["ports", "resources", "restartPolicy", "restartPolicyRules", "lifecycle"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("container", "forbidden"), EPHEMERAL)
def test_ephemeral_containers(container: str, forbidden: list[str], create: Callable[..., Any]) -> None:
    claims = "resourceClaims: [{name: a, resourceClaimName: b}]"
    new = create(KIND, POD, f"spec: {{{claims}, ephemeralContainers: [{container}]}}")
    old = create(KIND, POD, f"spec: {{{claims}}}")
    assert [str(e) for e in KIND.validate_subresource("ephemeralcontainers", new, old)] == [
        f"spec.ephemeralContainers[0].{name}: Forbidden: cannot be set for an Ephemeral Container" for name in forbidden
    ]


def test_templates_may_have_a_negative_grace_period(errors_of: ErrorsOf) -> None:
    """Their pods get a second; the template is only warned of."""
    template = "template: {metadata: {labels: {a: b}}, spec: {terminationGracePeriodSeconds: -1, containers: [{name: c, image: x}]}}"
    base = f"{{metadata: {{name: web, namespace: default}}, spec: {{selector: {{matchLabels: {{a: b}}}}, {template}}}}}"
    assert errors_of(deployment.KIND, base) == []
