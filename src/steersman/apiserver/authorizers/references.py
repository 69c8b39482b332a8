"""What a pod, or a persistent volume, refers to, as far as that opens an object to the node: read from stored bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from steersman.kinds.core.annotations import MIRROR

CLAIM, CONFIGMAP, RESOURCE_CLAIM, SECRET, SERVICE_ACCOUNT = (
    "persistentvolumeclaims", "configmaps", "resourceclaims", "secrets", "serviceaccounts",
)  # fmt: skip

Reference = tuple[str, str, str]
"""A plural, a namespace and a name."""


class _Named(Struct):
    name: str = ""
    namespace: str = ""


class _SecretName(Struct):
    secretName: str = ""
    secretNamespace: str | None = None


class _Secured(Struct):
    """A volume with a secret of its own."""

    secretRef: _Named | None = None


class _CSI(Struct):
    nodePublishSecretRef: _Named | None = None
    nodeStageSecretRef: _Named | None = None
    nodeExpandSecretRef: _Named | None = None


class _Source(Struct):
    secret: _Named | None = None
    configMap: _Named | None = None


class _Projected(Struct):
    sources: list[_Source] | None = None


class _Present(Struct):
    """Something of which nothing more has to be known."""


class _ClaimName(Struct):
    claimName: str = ""


class _Secrets(Struct):
    """The kinds of volumes with secrets that pods and persistent volumes share."""

    azureFile: _SecretName | None = None
    cephfs: _Secured | None = None
    cinder: _Secured | None = None
    flexVolume: _Secured | None = None
    rbd: _Secured | None = None
    scaleIO: _Secured | None = None
    iscsi: _Secured | None = None
    storageos: _Secured | None = None
    csi: _CSI | None = None

    def secured(self) -> Iterator[_Named]:
        for volume in (
            self.cephfs, self.cinder, self.flexVolume, self.rbd, self.scaleIO, self.iscsi, self.storageos,
        ):  # fmt: skip
            if volume is not None and volume.secretRef is not None:
                yield volume.secretRef


class _Volume(_Secrets):
    name: str = ""
    secret: _SecretName | None = None
    configMap: _Named | None = None
    projected: _Projected | None = None
    persistentVolumeClaim: _ClaimName | None = None
    ephemeral: _Present | None = None


class _ValueFrom(Struct):
    secretKeyRef: _Named | None = None
    configMapKeyRef: _Named | None = None


class _Env(Struct):
    valueFrom: _ValueFrom | None = None


class _EnvFrom(Struct):
    secretRef: _Named | None = None
    configMapRef: _Named | None = None


class _Container(Struct):
    env: list[_Env] | None = None
    envFrom: list[_EnvFrom] | None = None


class _ResourceClaim(Struct):
    name: str = ""
    resourceClaimName: str | None = None


class _PodSpec(Struct):
    nodeName: str = ""
    serviceAccountName: str = ""
    imagePullSecrets: list[_Named] | None = None
    volumes: list[_Volume] | None = None
    initContainers: list[_Container] | None = None
    containers: list[_Container] | None = None
    ephemeralContainers: list[_Container] | None = None
    resourceClaims: list[_ResourceClaim] | None = None


class _Extended(Struct):
    resourceClaimName: str = ""


class _PodStatus(Struct):
    resourceClaimStatuses: list[_ResourceClaim] | None = None
    extendedResourceClaimStatus: _Extended | None = None


class _Metadata(Struct):
    name: str = ""
    namespace: str = ""
    annotations: dict[str, str] | None = None


class _Pod(Struct):
    metadata: _Metadata
    spec: _PodSpec
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


class _Place(Struct):
    nodeName: str = ""


class _Placed(Struct):
    spec: _Place


class _VolumeSpec(_Secrets):
    claimRef: _Named | None = None


class _PersistentVolume(Struct):
    spec: _VolumeSpec


_decode_pod = msgspec.json.Decoder(_Pod).decode
_decode_placed = msgspec.json.Decoder(_Placed).decode
_decode_volume = msgspec.json.Decoder(_PersistentVolume).decode


def node_of(value: bytes) -> str:
    """The node that a stored pod is bound to; "" for none. Also that of other objects with a spec.nodeName."""
    # Most that have none do not have the word either.
    return _decode_placed(value).spec.nodeName if b'"nodeName":"' in value else ""


def of_pod(value: bytes) -> set[Reference]:
    """What the pod opens to its node. A mirror pod opens nothing: nodes make those themselves."""
    pod = _decode_pod(value)
    return set() if MIRROR in (pod.metadata.annotations or {}) else _of_pod(pod)


def mentioned(value: bytes) -> set[Reference]:
    """What a pod refers to, whoever has made it."""
    return _of_pod(_decode_pod(value))


def _of_pod(pod: _Pod) -> set[Reference]:
    namespace, spec = pod.metadata.namespace, pod.spec
    found = {(SECRET, n) for n in _names(spec.imagePullSecrets)}
    if spec.serviceAccountName:
        found.add((SERVICE_ACCOUNT, spec.serviceAccountName))
    for containers in (spec.initContainers, spec.containers, spec.ephemeralContainers):
        for container in containers or ():
            found.update(_of_container(container))
    for volume in spec.volumes or ():
        found.update(_of_volume(pod.metadata.name, volume))
    claims = [c.resourceClaimName for c in (*(spec.resourceClaims or ()), *(pod.status.resourceClaimStatuses or ()))]
    if pod.status.extendedResourceClaimStatus is not None:
        claims.append(pod.status.extendedResourceClaimStatus.resourceClaimName)
    found.update((RESOURCE_CLAIM, name) for name in claims if name)
    return {(plural, namespace, name) for plural, name in found if name}


def _names(named: Iterable[_Named] | None) -> Iterator[str]:
    for one in named or ():
        yield one.name


def _of_container(container: _Container) -> Iterator[tuple[str, str]]:
    for env in container.env or ():
        if env.valueFrom is not None and env.valueFrom.secretKeyRef is not None:
            yield SECRET, env.valueFrom.secretKeyRef.name
        if env.valueFrom is not None and env.valueFrom.configMapKeyRef is not None:
            yield CONFIGMAP, env.valueFrom.configMapKeyRef.name
    for source in container.envFrom or ():
        if source.secretRef is not None:
            yield SECRET, source.secretRef.name
        if source.configMapRef is not None:
            yield CONFIGMAP, source.configMapRef.name


def _of_volume(pod: str, volume: _Volume) -> Iterator[tuple[str, str]]:
    for secret in (volume.secret, volume.azureFile):
        if secret is not None:
            yield SECRET, secret.secretName
    for named in volume.secured():
        yield SECRET, named.name
    if volume.csi is not None and volume.csi.nodePublishSecretRef is not None:
        yield SECRET, volume.csi.nodePublishSecretRef.name
    if volume.configMap is not None:
        yield CONFIGMAP, volume.configMap.name
    for source in (volume.projected.sources if volume.projected is not None else None) or ():
        if source.secret is not None:
            yield SECRET, source.secret.name
        if source.configMap is not None:
            yield CONFIGMAP, source.configMap.name
    if volume.persistentVolumeClaim is not None:
        yield CLAIM, volume.persistentVolumeClaim.claimName
    elif volume.ephemeral is not None:
        yield CLAIM, f"{pod}-{volume.name}"


def claim_of(value: bytes) -> tuple[str, str] | None:
    """Namespace and name of the claim that a stored persistent volume is bound to."""
    claim = _decode_volume(value).spec.claimRef
    return (claim.namespace, claim.name) if claim is not None else None


def of_volume(value: bytes) -> set[Reference]:
    """The secrets that a stored persistent volume opens to the nodes that use its claim."""
    spec = _decode_volume(value).spec
    if spec.claimRef is None:
        return set()
    found = [(named.namespace or spec.claimRef.namespace, named.name) for named in spec.secured()]
    if spec.azureFile is not None:
        found.append((spec.azureFile.secretNamespace or spec.claimRef.namespace, spec.azureFile.secretName))
    if spec.csi is not None:
        for named in (spec.csi.nodePublishSecretRef, spec.csi.nodeStageSecretRef, spec.csi.nodeExpandSecretRef):
            found += [(named.namespace, named.name)] if named is not None else []
    return {(SECRET, namespace, name) for namespace, name in found if name}
