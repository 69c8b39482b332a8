"""Fields of pods that Kubernetes has behind a switch which is off: they are left out of whatever clients write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodSpec, Volume

_INIT_CONTAINERS = (
    "pod.beta.kubernetes.io/init-containers", "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses", "pod.alpha.kubernetes.io/init-container-statuses",
)  # fmt: skip
"""Annotations from before there was a field for them, which nobody reads."""
_KEYED = ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate")


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
    """As `drop`, for one container."""
    for mount in container.volumeMounts or ():
        mount.bindMountOptions = None
    for probe in (container.livenessProbe, container.readinessProbe, container.startupProbe):
        if probe is not None:
            _drop_from_handler(probe)
            if probe.grpc is not None:
                probe.grpc.mode = ""
    lifecycle = container.lifecycle
    if lifecycle is None:
        return
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
    for source in (volume.secret, volume.configMap, volume.downwardAPI, volume.projected):
        if source is not None:
            source.defaultUser = None
    sources = [volume.secret, volume.configMap, volume.downwardAPI]
    if volume.projected is not None:
        sources += [getattr(s, name) for s in volume.projected.sources or () for name in _KEYED]
    for owned in _owned(sources):
        owned.user = None


def _owned(sources: list[Any]) -> Iterator[Any]:
    """What can have an owner: the files that a source makes, and sources that are one file."""
    for source in sources:
        if source is None:
            continue
        if hasattr(source, "user"):
            yield source
        yield from getattr(source, "items", None) or ()
