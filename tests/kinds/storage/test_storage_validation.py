"""Validation of the kinds of storage: what is fine, what is wrong, and what may not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
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
    (persistentvolume.KIND, VOLUME, "metadata: {annotations: {volume.beta.kubernetes.io/mount-options: ro}}", ["metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for this volume type"]),
    (persistentvolume.KIND, VOLUME, "{metadata: {annotations: {volume.beta.kubernetes.io/mount-options: ro}}, spec: {csi: null, nfs: {server: a, path: /}}}", []),
    (persistentvolume.KIND, VOLUME, "spec: {accessModes: null}", ["spec.accessModes: Required value"]),
    (persistentvolume.KIND, VOLUME, "spec: {csi: {driver: null}}", ["spec.csi.driver: Required value"]),
    (persistentvolume.KIND, VOLUME, "spec: {cephfs: {monitors: [a]}, flexVolume: {}, hostPath: {path: /}, local: {path: /}, persistentVolumeReclaimPolicy: Recycle}", [
        "spec.cephFS: Forbidden: may not specify more than 1 volume type", "spec.flexVolume.driver: Required value", "spec.local: Forbidden: may not specify more than 1 volume type",
        "spec.csi: Forbidden: may not specify more than 1 volume type", "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ]),
    (persistentvolume.KIND, VOLUME, "spec: {csi: null, iscsi: {targetPortal: a, iqn: b, lun: 0, initiatorName: c}}", ['spec.iscsi.iqn: Invalid value: "b": must be valid format', 'spec.iscsi.initiatorname: Invalid value: "c": must be valid format']),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {dataSourceRef: {name: a, kind: b, apiGroup: C_}}", [f'spec.{name}.apiGroup: Invalid value: "C_": {SUBDOMAIN}' for name in ("dataSource", "dataSourceRef")]),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {dataSource: {name: a, kind: PersistentVolumeClaim}, dataSourceRef: {name: b, kind: PersistentVolumeClaim}}", ["spec: Invalid value: {}: must match dataSourceRef"]),
    (persistentvolumeclaim.KIND, CLAIM, "spec: {accessModes: [x], selector: {matchLabels: {a: b c}}, volumeAttributesClassName: A, volumeMode: x}", [
        "spec.selector.matchLabels: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        'spec.accessModes: Unsupported value: "x": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"', 'spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem"',
        f'spec.volumeAttributesClassName: Invalid value: "A": {SUBDOMAIN}',
    ]),
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
    (persistentvolume.KIND, ZONED, f"spec: {{nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: [{{key: example.com/zone, {ZONE}}}]}}]}}}}}}", ['nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"example.com/zone","Operator":"In","Values":["a"]}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA']),
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
        (persistentvolumeclaim.KIND, CLAIM, "{allocatedResourceStatuses: {storage: x}}", ['status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"']),
    ],
)  # fmt: skip
def test_status(kind: Any, base: str, status: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(kind, base, "{}", status) == errors


ANNOTATED = CLAIM.replace(
    "namespace: default", "namespace: default, annotations: {volume.beta.kubernetes.io/storage-class: fast}"
)
FIXED = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {storageClassName: fast}", []),
        ("{metadata: {annotations: null}, spec: {storageClassName: fast}}", []),
        ("spec: {storageClassName: slow}", [FIXED]),
        ("{metadata: {annotations: {volume.beta.kubernetes.io/storage-class: slow}}, spec: {storageClassName: fast}}", ['metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: "slow": field is immutable']),
        ("metadata: {annotations: null}", ['metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: "": field is immutable']),
    ],
)  # fmt: skip
def test_a_class_moves_from_the_annotation(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(persistentvolumeclaim.KIND, ANNOTATED, change) == errors


@pytest.mark.parametrize(
    ("current", "name", "errors"),
    [
        (None, None, []),
        ("gold", "silver", []),
        ("gold", None, ["nil"]),
        ("gold", "", ["empty string"]),
    ],
)
def test_attributes_are_not_taken_back(
    current: str | None, name: str | None, errors: list[str], create: Callable[..., Any]
) -> None:
    kind = persistentvolumeclaim.KIND
    old, new = (create(kind, CLAIM, f"spec: {{volumeAttributesClassName: {n}}}") for n in ("gold", "gold"))
    for claim in (old, new):
        claim.status.phase, claim.status.currentVolumeAttributesClassName = "Bound", current
    new.spec.volumeAttributesClassName = name
    assert [str(e) for e in kind.check_update(new, old)] == [
        f"spec.volumeAttributesClassName: Forbidden: update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil"
        for to in errors
    ]


SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
OTHER = {"apiGroup": "example.com", "kind": "Backup", "name": "b"}


@pytest.mark.parametrize(
    ("spec", "source", "reference"),
    [
        ({}, None, None),
        ({"dataSource": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"dataSource": {"kind": "PersistentVolumeClaim", "name": "c"}}, {"kind": "PersistentVolumeClaim", "name": "c"}, {"kind": "PersistentVolumeClaim", "name": "c"}),
        ({"dataSource": OTHER}, None, None),
        ({"dataSourceRef": OTHER}, OTHER, OTHER),
        ({"dataSourceRef": {**OTHER, "namespace": "there"}}, None, None),
        ({"dataSource": SNAPSHOT, "dataSourceRef": OTHER}, SNAPSHOT, OTHER),
    ],
)  # fmt: skip
def test_the_source_of_a_new_claim(
    spec: dict[str, Any], source: dict[str, Any] | None, reference: dict[str, Any] | None, create: Callable[..., Any]
) -> None:
    found = codec.to_builtins(create(persistentvolumeclaim.KIND, CLAIM, {"spec": spec}))["spec"]
    assert (found.get("dataSource"), found.get("dataSourceRef")) == (source, reference)


def test_the_source_of_a_claim_stays(create: Callable[..., Any], build: Callable[..., Any]) -> None:
    kind = persistentvolumeclaim.KIND
    old = create(kind, CLAIM, {"spec": {"dataSourceRef": OTHER}})
    new = build(kind, CLAIM, {"spec": {"dataSource": OTHER}})
    kind.prepare_update(new, old)
    assert new.spec == old.spec
    assert kind.validate_update(new, old) == []


STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
OLD_CLASS = f'metadata.annotations[{STORAGE_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'
GONE = "deprecated in v1.28, non-functional in v1.31+"
RECYCLE = "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."


@pytest.mark.parametrize(
    ("kind", "base", "change", "warnings"),
    [
        (persistentvolume.KIND, VOLUME, "{}", []),
        (persistentvolume.KIND, VOLUME, f"metadata: {{annotations: {{{STORAGE_CLASS}: a}}}}", [OLD_CLASS]),
        (persistentvolume.KIND, VOLUME, "metadata: {annotations: {volume.beta.kubernetes.io/mount-options: a}}", ['metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead']),
        (persistentvolume.KIND, VOLUME, "spec: {persistentVolumeReclaimPolicy: Recycle}", [RECYCLE]),
        (persistentvolume.KIND, ZONED, "{}", ['spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead']),
        (persistentvolume.KIND, VOLUME, "spec: {cephfs: {}, rbd: {}}", [f"spec.cephfs: {GONE}", f"spec.rbd: {GONE}"]),
        (persistentvolume.KIND, VOLUME, "spec: {photonPersistentDisk: {}, scaleIO: {secretRef: {}}, storageos: {}, glusterfs: {}}", [
            "spec.photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+", "spec.scaleIO: deprecated in v1.16, non-functional in v1.22+",
            "spec.storageOS: deprecated in v1.22, non-functional in v1.25+", "spec.glusterfs: deprecated in v1.25, non-functional in v1.26+",
        ]),
        (persistentvolumeclaim.KIND, CLAIM, "{}", []),
        (persistentvolumeclaim.KIND, CLAIM, f"metadata: {{annotations: {{{STORAGE_CLASS}: a}}}}", [OLD_CLASS]),
        (persistentvolumeclaim.KIND, CLAIM, "spec: {resources: {requests: {storage: 100m}, limits: {storage: 1500m}}}", [
            'spec.resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer', 'spec.resources.limits[storage]: fractional byte value "1500m" is invalid, must be an integer',
        ]),
    ],
)  # fmt: skip
def test_warnings(kind: Any, base: str, change: str, warnings: list[str], build: Callable[..., Any]) -> None:
    obj = build(kind, base, change)
    assert kind.warnings(obj) == kind.warn_update(obj, obj) == warnings
    assert kind.warn_update(obj, obj, "status") == []


@pytest.mark.parametrize(
    ("kind", "given", "want"),
    [
        ("iscsi", "{targetPortal: a, iqn: b, lun: 0}", {"iscsiInterface": "default"}),
        ("rbd", "{monitors: [a], image: b, user: me}", {"pool": "rbd", "user": "me", "keyring": "/etc/ceph/keyring"}),
        ("azureDisk", "{diskName: a, diskURI: b}", {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False}),
        ("scaleIO", "{gateway: a, system: b, secretRef: {}}", {"storageMode": "ThinProvisioned", "fsType": "xfs"}),
        ("hostPath", "{path: /a}", {"type": ""}),
    ],
)  # fmt: skip
def test_defaults_of_sources(kind: str, given: str, want: dict[str, Any], build: Callable[..., Any]) -> None:
    volume = build(persistentvolume.KIND, VOLUME, f"spec: {{csi: null, {kind}: {given}}}")
    source = getattr(volume.spec, kind)
    assert {name: getattr(source, name) for name in want} == want
