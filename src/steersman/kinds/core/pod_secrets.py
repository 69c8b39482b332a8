"""Which Secrets a pod refers to, by whatever part of its specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod, Volume

# Kinds of volumes that name a Secret in `secretRef`.
_REFERRING = ("cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos")


def names(pod: Pod) -> Iterator[str]:
    """The names, some perhaps more than once."""
    spec = pod.spec
    yield from (reference.name for reference in spec.imagePullSecrets or ())
    for container in (*(spec.initContainers or ()), *spec.containers, *(spec.ephemeralContainers or ())):
        yield from (name for _, name in of_container(container))
    for volume in spec.volumes or ():
        yield from (name for name in _of_volume(volume) if name)


def of_container(container: Any) -> Iterator[tuple[str, str]]:
    """The variable's name ("" for a whole Secret) and the Secret's, of a container of any sort."""
    for source in container.envFrom or ():
        if source.secretRef is not None:
            yield "", source.secretRef.name
    for variable in container.env or ():
        if variable.valueFrom is not None and variable.valueFrom.secretKeyRef is not None:
            yield variable.name, variable.valueFrom.secretKeyRef.name


def _of_volume(volume: Volume) -> Iterator[str]:
    if volume.secret is not None:
        yield volume.secret.secretName
    if volume.azureFile is not None:
        yield volume.azureFile.secretName
    if volume.csi is not None and volume.csi.nodePublishSecretRef is not None:
        yield volume.csi.nodePublishSecretRef.name
    if volume.projected is not None:
        yield from (source.secret.name for source in volume.projected.sources or () if source.secret is not None)
    for kind in _REFERRING:
        source = getattr(volume, kind)
        if source is not None and source.secretRef is not None:
            yield source.secretRef.name
