"""A VolumeAttributesClass stays while a claim or a volume has it, or is to have it."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controllers.protection import Protection
from steersman.kinds.types.core_v1 import PersistentVolume, PersistentVolumeClaim
from steersman.kinds.types.storage_v1 import VolumeAttributesClass

FINALIZER = "kubernetes.io/vac-protection"


def classes_of(obj: PersistentVolume | PersistentVolumeClaim) -> Iterable[str]:
    names = {obj.spec.volumeAttributesClassName}
    if isinstance(obj, PersistentVolumeClaim):
        names.add(obj.status.currentVolumeAttributesClassName)
        if obj.status.modifyVolumeStatus is not None:
            names.add(obj.status.modifyVolumeStatus.targetVolumeAttributesClassName)
    return sorted(name for name in names if name)


class ClassProtection(Protection[VolumeAttributesClass]):
    def __init__(self, context: Context) -> None:
        super().__init__(context, VolumeAttributesClass, FINALIZER, self._used)
        self._claims = context.informers.informer(PersistentVolumeClaim)
        self._volumes = context.informers.informer(PersistentVolume)
        self._claims.add_index("attributes", classes_of)
        self._volumes.add_index("attributes", classes_of)

    def _used(self, found: VolumeAttributesClass) -> bool:
        name = found.metadata.name
        return bool(self._claims.by("attributes", name) or self._volumes.by("attributes", name))


CONTROLLER = Controller(
    name="vac-protection",
    reconciler=ClassProtection,
    watches=(
        own(VolumeAttributesClass),
        mapped(PersistentVolumeClaim, lambda _, claim: classes_of(claim)),
        mapped(PersistentVolume, lambda _, volume: classes_of(volume)),
    ),
    component="volumeattributesclass-protection-controller",
    account="volumeattributesclass-protection-controller",
)
