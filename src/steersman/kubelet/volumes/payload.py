"""What configMap, secret, downwardAPI and projected volumes hold, collected from the API."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from steersman.api.errors import NotFound, StatusError
from steersman.kinds.types.core_v1 import (
    ClusterTrustBundleProjection,
    ConfigMap,
    DownwardAPIVolumeFile,
    KeyToPath,
    Pod,
    PodCertificateProjection,
    ServiceAccountTokenProjection,
    Volume,
    VolumeProjection,
)
from steersman.kubelet.downward import NodeFacts, container_named, field_value, resource_value
from steersman.kubelet.env import ConfigError, ObjectSource
from steersman.kubelet.volumes import trustbundles
from steersman.kubelet.volumes.atomic import File, Payload
from steersman.kubelet.volumes.certificates import CertificateSource, Place
from steersman.kubelet.volumes.problem import VolumeError

DEFAULT_MODE = 0o644
# A token is private to the user that runs the pod unless an fsGroup shares it.
_TOKEN_MODE = 0o600


class Objects(ObjectSource, trustbundles.TrustSource, Protocol):
    """Where the objects come from that volumes are made of."""


class TokenSource(Protocol):
    """Where service account tokens for pods come from; implementations cache and refresh them before they expire."""

    async def token(self, pod: Pod, audience: str, seconds: int) -> str: ...

    def forget(self, uid: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PayloadContext:
    """What a payload may be made of."""

    pod: Pod
    node: NodeFacts
    pod_ips: tuple[str, ...]
    objects: Objects
    tokens: TokenSource
    certificates: CertificateSource | None = None


async def collect(volume: Volume, context: PayloadContext) -> Payload | None:
    """The volume's files; None when it is of another kind. Raises VolumeError when something required is missing."""
    namespace = context.pod.metadata.namespace
    if volume.configMap:
        source = volume.configMap
        data = await _config_map(context.objects, namespace, source.name, bool(source.optional))
        return _select(data, source.items, source.defaultMode, bool(source.optional), "configmap")
    if volume.secret:
        secret = volume.secret
        data = await _secret(context.objects, namespace, secret.secretName, bool(secret.optional))
        return _select(data, secret.items, secret.defaultMode, bool(secret.optional), "secret")
    if volume.downwardAPI:
        return _downward(volume.downwardAPI.items or [], volume.downwardAPI.defaultMode, context)
    if volume.projected:
        files: dict[str, File] = {}
        for index, projection in enumerate(volume.projected.sources or []):
            if projection.podCertificate:
                place = Place(context.pod.metadata.uid, volume.name, index)
                files |= await _certificate(projection.podCertificate, place, volume.projected.defaultMode, context)
            else:
                files |= await _project(projection, volume.projected.defaultMode, context)
        return files
    return None


async def _project(projection: VolumeProjection, mode: int | None, context: PayloadContext) -> Payload:
    namespace = context.pod.metadata.namespace
    if projection.configMap:
        config_map = projection.configMap
        data = await _config_map(context.objects, namespace, config_map.name, bool(config_map.optional))
        return _select(data, config_map.items, mode, bool(config_map.optional), "configmap")
    if projection.secret:
        secret = projection.secret
        data = await _secret(context.objects, namespace, secret.name, bool(secret.optional))
        return _select(data, secret.items, mode, bool(secret.optional), "secret")
    if projection.downwardAPI:
        return _downward(projection.downwardAPI.items or [], mode, context)
    if projection.serviceAccountToken:
        return await _token(projection.serviceAccountToken, mode, context)
    if projection.clusterTrustBundle:
        return await _trust(projection.clusterTrustBundle, mode, context)
    raise VolumeError("a projected volume source of this kind is not supported")


async def _token(source: ServiceAccountTokenProjection, mode: int | None, context: PayloadContext) -> Payload:
    try:
        text = await context.tokens.token(context.pod, source.audience, source.expirationSeconds or 3600)
    except StatusError as error:
        raise VolumeError(f"failed to fetch token: {error.message}") from error
    return {source.path: _private(text.encode(), source.user, mode, context.pod)}


async def _trust(source: ClusterTrustBundleProjection, mode: int | None, context: PayloadContext) -> Payload:
    data = await trustbundles.collect(source, context.objects)
    return {source.path: _private(data, source.user, mode, context.pod)}


async def _certificate(
    source: PodCertificateProjection, place: Place, mode: int | None, context: PayloadContext
) -> Payload:
    if context.certificates is None:
        raise VolumeError("a projected volume source of this kind is not supported")
    found = await context.certificates.credential(context.pod, place, source)
    parts = (
        (source.credentialBundlePath, found.key + found.chain),
        (source.keyPath, found.key),
        (source.certificateChainPath, found.chain),
    )
    return {path: _private(data, source.user, mode, context.pod) for path, data in parts if path}


def _private(data: bytes, user: int | None, mode: int | None, pod: Pod) -> File:
    """A file for the users of the pod alone, where it is known who they are."""
    security = pod.spec.securityContext
    owner = _only_user(pod) if user is None else user
    if owner is not None or (security is not None and security.fsGroup is not None):
        return File(data, _TOKEN_MODE, owner)
    return File(data, DEFAULT_MODE if mode is None else mode)


def _only_user(pod: Pod) -> int | None:
    """The uid that every container of the pod runs as, when there is just one."""
    default = pod.spec.securityContext.runAsUser if pod.spec.securityContext else None
    users = {
        c.securityContext.runAsUser if c.securityContext and c.securityContext.runAsUser is not None else default
        for c in [*pod.spec.containers, *(pod.spec.initContainers or [])]
    }
    return users.pop() if len(users) == 1 else None


async def _config_map(objects: ObjectSource, namespace: str, name: str, optional: bool) -> Mapping[str, bytes]:
    try:
        return config_map_bytes(await objects.config_map(namespace, name))
    except NotFound as error:
        if optional:
            return {}
        raise VolumeError(error.message) from error


def config_map_bytes(source: ConfigMap) -> Mapping[str, bytes]:
    out = {key: value.encode() for key, value in (source.data or {}).items()}
    return out | {key: base64.b64decode(value) for key, value in (source.binaryData or {}).items()}


async def _secret(objects: ObjectSource, namespace: str, name: str, optional: bool) -> Mapping[str, bytes]:
    try:
        data = (await objects.secret(namespace, name)).data or {}
    except NotFound as error:
        if optional:
            return {}
        raise VolumeError(error.message) from error
    return {key: base64.b64decode(value) for key, value in data.items()}


def _select(
    data: Mapping[str, bytes], items: Sequence[KeyToPath] | None, mode: int | None, optional: bool, kind: str
) -> Payload:
    default = DEFAULT_MODE if mode is None else mode
    if not items:
        return {key: File(value, default) for key, value in data.items()}
    files = {}
    for item in items:
        if item.key in data:
            files[item.path] = File(data[item.key], default if item.mode is None else item.mode, item.user)
        elif not optional:
            raise VolumeError(f"references non-existent {kind} key: {item.key}")
    return files


def _downward(items: Sequence[DownwardAPIVolumeFile], mode: int | None, context: PayloadContext) -> Payload:
    default = DEFAULT_MODE if mode is None else mode
    files = {}
    for item in items:
        try:
            files[item.path] = File(
                _downward_text(item, context).encode(), default if item.mode is None else item.mode, item.user
            )
        except ValueError as error:
            raise VolumeError(str(error)) from error
    return files


def _downward_text(item: DownwardAPIVolumeFile, context: PayloadContext) -> str:
    if item.fieldRef:
        return field_value(context.pod, item.fieldRef, context.node, context.pod_ips)
    if item.resourceFieldRef:
        container = container_named(context.pod, item.resourceFieldRef.containerName)
        return resource_value(container, item.resourceFieldRef, context.node)
    raise ConfigError(f"{item.path} has neither fieldRef nor resourceFieldRef")
