"""What is wrong with a new pod: field paths and messages as the API's users know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core.pod import KIND

ErrorsOf = Callable[..., list[str]]

POD = "{metadata: {name: web, namespace: default}, spec: {containers: [{name: c, image: nginx}]}}"


def _container(extra: str) -> str:
    return f"spec: {{containers: [{{name: c, image: nginx, {extra}}}]}}"


def _with_volume(source: str) -> str:
    return f"spec: {{volumes: [{{name: v, {source}}}]}}"


C = "spec.containers[0]"
V = "spec.volumes[0]"
LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

GOOD = [
    "{}",
    _container("ports: [{containerPort: 80, name: http}, {containerPort: 80, name: dns, protocol: UDP}]"),
    _container("env: [{name: A, value: b}, {name: 'x y', valueFrom: {fieldRef: {fieldPath: status.podIP}}}]"),
    _container("env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}]"),
    _container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}]"),
    _container("resources: {requests: {cpu: 100m, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi, example.com/gpu: 1}}"),
    _container("livenessProbe: {httpGet: {port: http}}, readinessProbe: {exec: {command: [a]}, successThreshold: 2}"),
    _container("lifecycle: {preStop: {sleep: {seconds: 5}}}"),
    _container("restartPolicy: OnFailure, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"),
    "spec: {initContainers: [{name: i, image: x, restartPolicy: Always, livenessProbe: {tcpSocket: {port: 1}}}]}",
    "spec: {volumes: [{name: v, projected: {sources: [{configMap: {name: a}}, {secret: {name: b}}]}}]}",
    "spec: {serviceAccountName: a, volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}",
    _with_volume("ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}"),
    "spec: {tolerations: [{operator: Exists}, {key: a, value: b, effect: NoExecute, tolerationSeconds: 5}]}",
    "spec: {dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1], searches: [a.b., _tcp.x, .]}}",
    "spec: {hostNetwork: true, containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}",
    "spec: {securityContext: {runAsUser: 0, fsGroup: 1, sysctls: [{name: net.ipv4.ip_forward, value: '1'}], seccompProfile: {type: RuntimeDefault}}}",
    "spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}]}",
    "spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Gt, values: ['1']}]}]}}}}",
    "spec: {resources: {limits: {cpu: 1}}}",
    "spec: {os: {name: linux}, hostAliases: [{ip: 1.2.3.4, hostnames: [a.b]}], priorityClassName: a, runtimeClassName: r}",
]  # fmt: skip


@pytest.mark.parametrize("change", GOOD)
def test_good(change: str, errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, POD, change) == []


BAD: list[tuple[str, list[str]]] = [
    ("spec: {containers: null}", ["spec.containers: Required value"]),
    ("spec: {containers: [{}]}", [f"{C}.name: Required value", f"{C}.image: Required value"]),
    ("spec: {containers: [{name: A, image: x}]}", [f'{C}.name: Invalid value: "A": {LABEL}']),
    ("spec: {containers: [{name: c, image: ' x'}]}", [f'{C}.image: Invalid value: " x": must not have leading or trailing whitespace']),
    ("spec: {containers: [{name: c, image: x}, {name: c, image: x}]}", ['spec.containers[1].name: Duplicate value: "c"']),
    ("spec: {initContainers: [{name: c, image: x}]}", ['spec.initContainers[0].name: Duplicate value: "c"']),
    ("spec: {initContainers: [{name: i, image: x, readinessProbe: {exec: {command: [a]}}}]}", ["spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"]),
    ("spec: {ephemeralContainers: [{name: e, image: x}]}", ["spec.ephemeralContainers: Forbidden: cannot be set on create"]),
    (_container("imagePullPolicy: Sometimes"), [f'{C}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"']),
    (_container("terminationMessagePolicy: x"), [f'{C}.terminationMessagePolicy: Unsupported value: "x": supported values: "File", "FallbackToLogsOnError"']),
    (_container("ports: [{name: http}]"), [f"{C}.ports[0].containerPort: Required value"]),
    (_container("ports: [{containerPort: 70000}]"), [f"{C}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]),
    (_container("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]"), [f'{C}.ports[1].name: Duplicate value: "a"']),
    (_container("ports: [{containerPort: 1, protocol: ICMP}]"), [f'{C}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']),
    (_container("ports: [{containerPort: 1, hostPort: 5}, {containerPort: 2, hostPort: 5}]"), [f'{C}.ports[1].hostPort: Duplicate value: "TCP//5"']),
    ("spec: {hostNetwork: true, containers: [{name: c, image: x, ports: [{containerPort: 80, hostPort: 81}]}]}", [f"{C}.ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"]),
    (_container("env: [{value: b}]"), [f"{C}.env[0].name: Required value"]),
    (_container("env: [{name: 'a=b'}]"), [f"{C}.env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='"]),
    (_container("env: [{name: A, valueFrom: {}}]"), [f'{C}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`']),
    (_container("env: [{name: A, value: x, valueFrom: {configMapKeyRef: {name: a, key: b}}}]"), [f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty']),
    (_container("env: [{name: A, valueFrom: {secretKeyRef: {name: a}}}]"), [f"{C}.env[0].valueFrom.secretKeyRef.key: Required value"]),
    (_container("env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.foo}}}]"), [f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo']),
    (_container("env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.labels}}}]"), [f'{C}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"']),
    (_container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 2}}}]"), [f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource']),
    (_container("envFrom: [{}]"), [f'{C}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`']),
    (_container("volumeMounts: [{name: x, mountPath: /a}]"), [f'{C}.volumeMounts[0].name: Not found: "x"']),
    ("spec: {volumes: [{name: v}], containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a, subPath: ../b}]}]}", [f'{C}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique', f"{C}.volumeMounts.subPath: Invalid value: \"../b\": must not contain '..'"]),
    ("spec: {volumes: [{name: v}], containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /a, mountPropagation: Bidirectional}]}]}", [f"{C}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers"]),
    (_container("resources: {requests: {cpu: 2}, limits: {cpu: 1}}"), [f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']),
    (_container("resources: {limits: {memory: -1}}"), [f'{C}.resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0', f'{C}.resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0']),
    (_container("resources: {requests: {foo: 1}}"), [f'{C}.resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified', f'{C}.resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers']),
    (_container("resources: {requests: {example.com/gpu: 1}}"), [f"{C}.resources.limits: Required value: Limit must be set for non overcommitable resources"]),
    (_container("resources: {limits: {example.com/gpu: 500m}}"), [f'{C}.resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer', f'{C}.resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer']),
    (_container("resources: {limits: {hugepages-2Mi: 2Mi}}"), [f"{C}.resources: Forbidden: HugePages require cpu or memory"]),
    (_container("livenessProbe: {}"), [f"{C}.livenessProbe: Required value: must specify a handler type"]),
    (_container("livenessProbe: {exec: {command: [a]}, httpGet: {port: 80}}"), [f"{C}.livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type"]),
    (_container("livenessProbe: {exec: {command: [a]}, successThreshold: 2}"), [f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1"]),
    (_container("livenessProbe: {exec: {command: [a]}, periodSeconds: -1}"), [f"{C}.livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"]),
    (_container("livenessProbe: {httpGet: {port: 0, scheme: FTP}}"), [f"{C}.livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive", f'{C}.livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"']),
    (_container("lifecycle: {preStop: {sleep: {seconds: 31}}}"), [f"{C}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"]),
    (_container("securityContext: {runAsUser: -1}"), [f"{C}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive"]),
    (_container("securityContext: {procMount: x}"), [f'{C}.securityContext.procMount: Unsupported value: "x": supported values: "Default", "Unmasked"']),
    (_container("restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"), [f"{C}.restartPolicy: Required value: must specify restartPolicy when restart rules are used"]),
    ("spec: {restartPolicy: Sometimes}", ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"']),
    ("spec: {dnsPolicy: x}", ['spec.dnsPolicy: Unsupported value: "x": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"']),
    ("spec: {dnsPolicy: None}", ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]),
    ("spec: {nodeSelector: {a: 'b c'}}", ["spec.nodeSelector: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"]),
    ("spec: {activeDeadlineSeconds: 0}", ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]),
    ("spec: {hostname: A}", [f'spec.hostname: Invalid value: "A": {LABEL}']),
    ("spec: {tolerations: [{key: a, operator: In}]}", ['spec.tolerations[0].operator: Unsupported value: "In": supported values: "Equal", "Exists"']),
    ("spec: {tolerations: [{key: a, tolerationSeconds: 1}]}", ["spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set"]),
    ("spec: {tolerations: [{value: a}]}", ['spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"']),
    ("spec: {schedulingGates: [{name: a}, {name: a}]}", ['spec.schedulingGates[1]: Duplicate value: "a"']),
    ("spec: {schedulingGates: [{name: a}], nodeName: n}", ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"]),
    ("spec: {topologySpreadConstraints: [{maxSkew: 0, whenUnsatisfiable: x}]}", ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero", "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty", 'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "x": supported values: "DoNotSchedule", "ScheduleAnyway"']),
    ("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}}", ["spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"]),
    ("spec: {affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, podAffinityTerm: {topologyKey: a}}]}}}", ["spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100"]),
    ("spec: {hostAliases: [{ip: x}]}", ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
    ("spec: {shareProcessNamespace: true, hostPID: true}", ["spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"]),
    ("spec: {hostUsers: false, hostNetwork: true}", ["spec.hostNetwork: Forbidden: when `hostUsers` is false"]),
    ("spec: {os: {name: plan9}}", ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']),
    ("spec: {resources: {requests: {cpu: 1}}, containers: [{name: c, image: x, resources: {requests: {cpu: 2}}}]}", ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2']),
    ("spec: {volumes: [{name: v}, {name: v}]}", ['spec.volumes[1].name: Duplicate value: "v"']),
    ("spec: {volumes: [{emptyDir: {}}]}", [f"{V}.name: Required value"]),
    (_with_volume("emptyDir: {}, hostPath: {path: /a}"), [f"{V}.hostPath: Forbidden: may not specify more than 1 volume type"]),
    (_with_volume("hostPath: {path: ''}"), [f"{V}.hostPath.path: Required value"]),
    (_with_volume("hostPath: {path: /a/../b, type: x}"), [f"{V}.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'", f'{V}.hostPath.type: Unsupported value: "x": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"']),
    (_with_volume("secret: {}"), [f"{V}.secret.secretName: Required value"]),
    (_with_volume("configMap: {name: a, defaultMode: 512}"), [f"{V}.configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive"]),
    (_with_volume("configMap: {name: a, items: [{key: k, path: ../x}]}"), [f"{V}.configMap.items[0].path: Invalid value: \"../x\": must not contain '..'"]),
    (_with_volume("configMap: {name: a, items: [{key: k, path: ..x}]}"), [f"{V}.configMap.items[0].path: Invalid value: \"..x\": must not start with '..'"]),
    (_with_volume("configMap: {name: a, items: [{key: k, path: /x}]}"), [f'{V}.configMap.items[0].path: Invalid value: "/x": must be a relative path']),
    (_with_volume("projected: {sources: [{secret: {name: a}, configMap: {name: b}}]}"), [f"{V}.projected.sources[0]: Forbidden: may not specify more than 1 volume type per source"]),
    (_with_volume("projected: {sources: [{serviceAccountToken: {expirationSeconds: 60}}]}"), [f"{V}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes", f"{V}.projected.path: Required value", f"{V}.projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set"]),
    (_with_volume("projected: {sources: [{clusterTrustBundle: {path: a}}]}"), [f"{V}.projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified"]),
    (_with_volume("projected: {sources: [{clusterTrustBundle: {path: a, name: b, labelSelector: {}}}]}"), [f"{V}.projected.sources[0].clusterTrustBundle.labelSelector: Invalid value: {{}}: labelSelector must be unset if name is specified"]),
    (_with_volume("projected: {sources: [{clusterTrustBundle: {path: a, signerName: x.io}}]}"), [f"{V}.projected.sources[0].clusterTrustBundle.signerName: Invalid value: \"x.io\": must be a fully qualified domain and path of the form 'example.com/signer-name'"]),
    (_with_volume("projected: {sources: [{podCertificate: {signerName: x.io/y, keyType: RSA, maxExpirationSeconds: 60}}]}"), [f'{V}.projected.sources[0].podCertificate.keyType: Unsupported value: "RSA": supported values: "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"', f"{V}.projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value: 60: if provided, maxExpirationSeconds must be >= 3600", f"{V}.projected.sources[0].podCertificate: Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath"]),
    (_with_volume("projected: {sources: [{configMap: {name: a, items: [{key: a, path: x}]}}, {secret: {name: a, items: [{key: a, path: x}]}}]}"), [f'{V}.projected: Invalid value: "a": conflicting duplicate paths']),
    (_with_volume("projected: {sources: [{serviceAccountToken: {path: t, expirationSeconds: 60}}]}"), [f"{V}.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes", f"{V}.projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set"]),
    (_with_volume("downwardAPI: {items: [{path: a}]}"), [f"{V}.downwardAPI: Required value: one of fieldRef and resourceFieldRef is required"]),
    (_with_volume("persistentVolumeClaim: {}"), [f"{V}.persistentVolumeClaim.claimName: Required value"]),
    (_with_volume("nfs: {server: a}"), [f"{V}.nfs.path: Required value", f'{V}.nfs.path: Invalid value: "": must be an absolute path']),
    (_with_volume("iscsi: {targetPortal: a, iqn: x, lun: 256}"), [f'{V}.iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa', f"{V}.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive"]),
    (_with_volume("iscsi: {targetPortal: a, iqn: 'iqn.2014-12.world.srv:storage.target1', lun: 0, chapAuthSession: true}"), [f"{V}.iscsi.secretRef: Required value"]),
    (_with_volume("fc: {targetWWNs: [a], wwids: [b], lun: 1}"), [f'{V}.fc.targetWWNs: Invalid value: ["a"]: targetWWNs and wwids can not be specified simultaneously']),
    (_with_volume("fc: {}"), [f"{V}.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"]),
    (_with_volume("gcePersistentDisk: {partition: 300}"), [f"{V}.persistentDisk.pdName: Required value", f"{V}.persistentDisk.partition: Invalid value: 300: must be between 1 and 255, inclusive"]),
    (_with_volume("flocker: {datasetName: a/b, datasetUUID: c}"), [f'{V}.flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously', f"{V}.flocker.datasetName: Invalid value: \"a/b\": must not contain '/'"]),
    (_with_volume("quobyte: {registry: host, volume: v}"), [f'{V}.quobyte.registry: Invalid value: "host": must be a host:port pair or multiple pairs separated by commas']),
    (_with_volume("flexVolume: {driver: d, options: {kubernetes.io/x: y}}"), [f'{V}.flexVolume.options[kubernetes.io/x]: Invalid value: "kubernetes.io/x": kubernetes.io and k8s.io namespaces are reserved']),
    (_with_volume("azureDisk: {diskName: d, diskURI: x, kind: Managed, cachingMode: y}"), [f'{V}.azureDisk.cachingMode: Unsupported value: "y": supported values: "None", "ReadOnly", "ReadWrite"', f'{V}.azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{{sub-id}}/resourcegroups/{{group-name}}/providers/microsoft.compute/disks/{{disk-id}}"']),
    (_with_volume("storageos: {volumeName: A_}"), [f'{V}.storageos.volumeName: Invalid value: "A_": {LABEL}']),
    (_with_volume("cinder: {volumeID: v, secretRef: {}}"), [f"{V}.cinder.secretRef.name: Required value"]),
    (_with_volume("gitRepo: {repository: r, directory: ../x}"), [f"{V}.gitRepo.directory: Invalid value: \"../x\": must not contain '..'"]),
    (_with_volume("csi: {}"), [f"{V}.csi.driver: Required value"]),
    (_with_volume("image: {pullPolicy: x}"), [f"{V}.image.reference: Required value", f'{V}.image.pullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"']),
    ("spec: {volumes: [{name: v, ephemeral: {volumeClaimTemplate: {metadata: {name: x}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}, {name: w, persistentVolumeClaim: {claimName: web-v}}]}", [f"{V}.ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set", 'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "web-v": must not reference a PVC that gets created for an ephemeral volume']),
    (_with_volume("ephemeral: {}"), [f"{V}.ephemeral.volumeClaimTemplate: Required value"]),
    ("metadata: {name: Web}", ['metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character (e.g. \'example.com\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\')']),
]  # fmt: skip


@pytest.mark.parametrize(("change", "errors"), BAD, ids=range(len(BAD)))
def test_bad(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, POD, change) == errors


def test_causes_name_the_reason(create: Callable[..., Any]) -> None:
    (error,) = KIND.validate(create(KIND, POD, "spec: {containers: null}"))
    assert error.cause() == {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers"}
