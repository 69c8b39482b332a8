"""Fields of pods that Kubernetes has behind a switch which is off: they are left out of whatever clients write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Lifecycle, PodSpec, Probe, Volume, VolumeProjection

_INIT_CONTAINERS = (
    "pod.beta.kubernetes.io/init-containers", "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses", "pod.alpha.kubernetes.io/init-container-statuses",
)  # fmt: skip
"""Annotations from before there was a field for them, which nobody reads."""


def drop(spec: PodSpec) -> None:
    """Takes away owners of files, modes of empty directories, options of mounts, protocols of probes, signals to stop
    with, scheduling groups and who is asked before an eviction."""
    spec.schedulingGroup = None
    spec.evictionResponders = None
    for volume in spec.volumes or ():
        _drop_from_volume(volume)


def drop_annotations(annotations: dict[str, str] | None) -> None:
    if annotations:
        for key in _INIT_CONTAINERS:
            annotations.pop(key, None)


def drop_from_container(container: Any) -> None:
    """As `drop`, for one container without its probes."""
    for mount in container.volumeMounts or ():
        mount.bindMountOptions = None
    if container.lifecycle is not None:
        _drop_from_lifecycle(container, container.lifecycle)


def drop_from_probe(probe: Probe) -> None:
    _drop_from_handler(probe)
    if probe.grpc is not None:
        probe.grpc.mode = ""


def _drop_from_lifecycle(container: Any, lifecycle: Lifecycle) -> None:
    for handler in (lifecycle.postStart, lifecycle.preStop):
        if handler is not None:
            _drop_from_handler(handler)
    if lifecycle.stopSignal:
        lifecycle.stopSignal = ""
        if lifecycle == type(lifecycle)():
            container.lifecycle = None


def _drop_from_handler(handler: Any) -> None:
    if handler.httpGet is not None:
        handler.httpGet.protocol = ""


def _drop_from_volume(volume: Volume) -> None:
    if volume.emptyDir is not None:
        volume.emptyDir.mode = None
        return
    for source in (volume.secret, volume.configMap, volume.downwardAPI):
        if source is not None:
            source.defaultUser = None
            _drop_owners(source.items)
    if volume.projected is not None:
        volume.projected.defaultUser = None
        for projection in volume.projected.sources or ():
            _drop_from_projection(projection)


def _drop_from_projection(projection: VolumeProjection) -> None:
    for source in (projection.secret, projection.configMap, projection.downwardAPI):
        if source is not None:
            _drop_owners(source.items)
    for file in (projection.serviceAccountToken, projection.clusterTrustBundle, projection.podCertificate):
        if file is not None:
            file.user = None


def _drop_owners(files: list[Any] | None) -> None:
    for file in files or ():
        file.user = None
