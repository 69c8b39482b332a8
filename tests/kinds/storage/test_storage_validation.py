"""Validation of the kinds of storage: what is fine, what is wrong, and what may not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core import persistentvolume, persistentvolumeclaim
from steersman.kinds.storage import (
    csidriver,
    csinode,
    csistoragecapacity,
    storageclass,
    volumeattachment,
    volumeattributesclass,
)

ErrorsOf = Callable[..., list[str]]

CLASS = "{metadata: {name: fast}, provisioner: csi.example.com}"
DRIVER = "{metadata: {name: csi.example.com}}"
NODE = "{metadata: {name: n}, spec: {drivers: [{name: csi.example.com, nodeID: i-1, topologyKeys: [a]}]}}"
CAPACITY = "{metadata: {name: c, namespace: default}, storageClassName: fast, capacity: 1Gi}"
ATTACHMENT = "{metadata: {name: a}, spec: {attacher: csi.example.com, nodeName: n, source: {persistentVolumeName: v}}}"
ATTRIBUTES = "{metadata: {name: gold}, driverName: csi.example.com, parameters: {iops: '3000'}}"
VOLUME = "{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: csi.example.com, volumeHandle: h}}}"
ZONE = "operator: In, values: [a]"
ZONED = VOLUME.replace(
    "csi:",
    f"nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{{key: failure-domain.beta.kubernetes.io/zone, {ZONE}}}]}}]}}}}, csi:",
)
CLAIM = "{metadata: {name: a, namespace: default}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}"

SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
NO_INLINE = "may not be specified in the context of inline volumes"

CASES: list[tuple[Any, str, str, list[str]]] = [
    (storageclass.KIND, CLASS, "{}", []),
    (storageclass.KIND, CLASS, "provisioner: null", ["provisioner: Required value"]),
    (storageclass.KIND, CLASS, "parameters: {'': a}", ['parameters: Invalid value: "": field can not be empty.']),
    (storageclass.KIND, CLASS, f"parameters: {{a: {'x' * 262144}}}", ["parameters: Too long: may not be more than 262144 bytes"]),
    (storageclass.KIND, CLASS, "reclaimPolicy: Recycle", ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']),
    (storageclass.KIND, CLASS, "volumeBindingMode: Later", ['volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"']),
    (storageclass.KIND, CLASS, "allowedTopologies: [{matchLabelExpressions: [{key: zone, values: []}]}]", ["allowedTopologies[0].matchLabelExpressions[0].values: Required value"]),
    (storageclass.KIND, CLASS, "allowedTopologies: [{matchLabelExpressions: [{key: zone, values: [a, a]}, {key: zone, values: [b]}]}]", ['allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"', 'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"']),
    (storageclass.KIND, CLASS, "allowedTopologies: [{matchLabelExpressions: [{key: zone, values: [a]}]}, {matchLabelExpressions: [{key: zone, values: [a]}]}]", ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""']),
    (volumeattributesclass.KIND, ATTRIBUTES, "{}", []),
    (volumeattributesclass.KIND, ATTRIBUTES, "{driverName: null, parameters: null}", ["driverName: Required value", "parameters: Required value: must contain at least one key/value pair"]),
    (csidriver.KIND, DRIVER, "{}", []),
    (csidriver.KIND, DRIVER, "spec: {fsGroupPolicy: x}", ['spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"']),
    (csidriver.KIND, DRIVER, "spec: {volumeLifecycleModes: [x]}", ['spec.volumeLifecycleModes: Unsupported value: "x": supported values: "Persistent", "Ephemeral"']),
    (csidriver.KIND, DRIVER, "spec: {tokenRequests: [{audience: a, expirationSeconds: 1}, {audience: a}]}", ["spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes", 'spec.tokenRequests[1].audience: Duplicate value: "a"']),
    (csidriver.KIND, DRIVER, "spec: {nodeAllocatableUpdatePeriodSeconds: 9}", ["spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds"]),
    (csidriver.KIND, DRIVER, "spec: {serviceAccountTokenInSecrets: true}", ["spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified"]),
    (csinode.KIND, NODE, "{}", []),
    (csinode.KIND, NODE, "spec: {drivers: [{name: a.b}]}", ["spec.drivers[0].nodeID: Required value"]),
    (csinode.KIND, NODE, f"spec: {{drivers: [{{name: a.b, nodeID: {'x' * 193}}}]}}", [f'spec.drivers[0].nodeID: Invalid value: "{"x" * 193}": must be 192 characters or less']),
    (csinode.KIND, NODE, "spec: {drivers: [{name: a.b, nodeID: x, allocatable: {count: -1}}, {name: a.b, nodeID: y, topologyKeys: [k, k]}]}", ["spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0", 'spec.drivers[1]: Duplicate value: "k"', 'spec.drivers[1].name: Duplicate value: "a.b"']),
    (csistoragecapacity.KIND, CAPACITY, "{}", []),
    (csistoragecapacity.KIND, CAPACITY, "{capacity: -1, storageClassName: A}", [f'storageClassName: Invalid value: "A": {SUBDOMAIN}', 'capacity: Invalid value: "-1": must be greater than or equal to 0']),
    (volumeattachment.KIND, ATTACHMENT, "{}", []),
    (volumeattachment.KIND, ATTACHMENT, "spec: {source: {persistentVolumeName: null}}", ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"]),
    (volumeattachment.KIND, ATTACHMENT, "spec: {source: {persistentVolumeName: ''}}", ["spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName"]),
    (volumeattachment.KIND, ATTACHMENT, "spec: {source: {inlineVolumeSpec: {}}}", ["spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName"]),
    (volumeattachment.KIND, ATTACHMENT, "spec: {source: {persistentVolumeName: null, inlineVolumeSpec: {capacity: {storage: 1}, accessModes: [ReadWriteOnce], hostPath: {path: /a}, storageClassName: s, volumeMode: Block}}}", [f"spec.source.inlineVolumeSpec.capacity: Forbidden: {NO_INLINE}", "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes", f"spec.source.inlineVolumeSpec.storageClassName: Forbidden: {NO_INLINE}", "spec.source.inlineVolumeSpec.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline volumes"]),
    (persistentvolume.KIND, VOLUME, "{}", []),
    (persistentvolume.KIND, VOLUME, "spec: {capacity: {storage: -1}}", ['spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity', 'spec.capacity[storage]: Invalid value: "-1": must be greater than zero']),
    (persistentvolume.KIND, VOLUME, "spec: {csi: {volumeHandle: null, nodePublishSecretRef: {name: a}}}", ["spec.csi.volumeHandle: Required value", "spec.csi.nodePublishSecretRef.namespace: Required value"]),
    (persistentvolume.KIND, VOLUME, "spec: {volumeAttributesClassName: ''}", ["spec.volumeAttributesClassName: Required value: an empty string is disallowed"]),
    (persistentvolume.KIND, VOLUME, "spec: {csi: null, nfs: {server: a, path: /}, volumeAttributesClassName: a}", ["spec.csi: Required value: has to be specified when using volumeAttributesClassName"]),
    (persistentvolume.KIND, VOLUME, "spec: {csi: null, hostPath: {path: //}, persistentVolumeReclaimPolicy: Recycle}", ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"]),
    (persistentvolume.KIND, VOLUME, "spec: {csi: null, local: {path: ../a}}", ["spec.local.path: Invalid value: \"../a\": must not contain '..'", "spec.nodeAffinity: Required value: Local volume requires node affinity"]),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {dataSource: {name: a, kind: b, apiGroup: C_}}", [f'spec.dataSource.apiGroup: Invalid value: "C_": {SUBDOMAIN}']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"), CASES, ids=[f"{c[0].name}-{i}" for i, c in enumerate(CASES)]
)
def test_validation(kind: Any, base: str, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(kind, base, change) == errors


UPDATES: list[tuple[Any, str, str, list[str]]] = [
    (storageclass.KIND, CLASS, "allowVolumeExpansion: true", []),
    (storageclass.KIND, CLASS, "{parameters: {a: b}, provisioner: x, reclaimPolicy: Retain, volumeBindingMode: WaitForFirstConsumer}", ['parameters: Invalid value: {"a":"b"}: field is immutable', 'provisioner: Invalid value: "x": field is immutable', 'reclaimPolicy: Invalid value: "Retain": field is immutable', 'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable']),
    (volumeattributesclass.KIND, ATTRIBUTES, "{driverName: x, parameters: {iops: '1'}}", ["driverName: Forbidden: updates to driverName are forbidden.", "parameters: Forbidden: updates to parameters are forbidden."]),
    (csidriver.KIND, DRIVER, "spec: {podInfoOnMount: true, storageCapacity: true, fsGroupPolicy: File}", []),
    (csidriver.KIND, DRIVER, "spec: {attachRequired: false, volumeLifecycleModes: [Ephemeral]}", ["spec.attachedRequired: Invalid value: false: field is immutable", 'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable']),
    (csinode.KIND, NODE, "spec: {drivers: [{name: csi.example.com, nodeID: i-1, topologyKeys: [a], allocatable: {count: 5}}]}", []),
    (csinode.KIND, NODE, "spec: {drivers: [{name: csi.example.com, nodeID: i-2}]}", ['spec.drivers: Invalid value: {"name":"csi.example.com","nodeID":"i-2"}: field is immutable']),
    (csistoragecapacity.KIND, CAPACITY, "{capacity: 2Gi}", []),
    (csistoragecapacity.KIND, CAPACITY, "{storageClassName: slow}", ['storageClassName: Invalid value: "slow": field is immutable']),
    (volumeattachment.KIND, ATTACHMENT, "spec: {nodeName: m}", ['spec: Invalid value: {"attacher":"csi.example.com","nodeName":"m","source":{"persistentVolumeName":"v"}}: field is immutable']),
    (persistentvolume.KIND, VOLUME, "spec: {csi: {controllerExpandSecretRef: {name: s, namespace: n}}, persistentVolumeReclaimPolicy: Delete}", []),
    (persistentvolume.KIND, VOLUME, "spec: {csi: {volumeHandle: other}}", ["spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation"]),
    (persistentvolume.KIND, ZONED, f"spec: {{nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{{key: topology.kubernetes.io/zone, {ZONE}}}]}}]}}}}}}", []),
    (persistentvolume.KIND, ZONED, f"spec: {{nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{{key: example.com/zone, {ZONE}}}]}}]}}}}}}", ['nodeAffinity: Invalid value: {"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"example.com/zone","operator":"In","values":["a"]}]}]}}: field is immutable, except for updating from beta label to GA']),
    (persistentvolume.KIND, VOLUME, "spec: {volumeMode: Block}", ['volumeMode: Invalid value: "Block": field is immutable']),
    (persistentvolumeclaim.KIND, CLAIM, "metadata: {annotations: {volume.beta.kubernetes.io/storage-class: x}}", ['metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: "x": field is immutable']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"), UPDATES, ids=[f"{c[0].name}-{i}" for i, c in enumerate(UPDATES)]
)
def test_update(kind: Any, base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(kind, base, change) == errors


@pytest.mark.parametrize(
    ("kind", "base", "status", "errors"),
    [
        (volumeattachment.KIND, ATTACHMENT, "{attached: true}", []),
        (volumeattachment.KIND, ATTACHMENT, f"{{attached: true, attachError: {{message: {'x' * 1025}}}}}", ["status.attachError.message: Too long: may not be more than 1024 bytes"]),
        (persistentvolumeclaim.KIND, CLAIM, "{capacity: {storage: -1}}", ["status.capacity[storage]: Invalid value: -1: must be a valid resource quantity"]),
        (persistentvolumeclaim.KIND, CLAIM, "{allocatedResources: {cpu: 1}}", ['status.allocatedResources: Unsupported value: "cpu": supported values: "storage"']),
        (persistentvolumeclaim.KIND, CLAIM, "{allocatedResourceStatuses: {storage: x}}", ['status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"']),
    ],
)  # fmt: skip
def test_status(kind: Any, base: str, status: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(kind, base, "{}", status) == errors
