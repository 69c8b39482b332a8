"""A PersistentVolume stays while it is bound to a claim."""

from __future__ import annotations

from steersman.controller.declaration import Context, Controller, own
from steersman.controllers.protection import Protection
from steersman.kinds.types.core_v1 import PersistentVolume

FINALIZER = "kubernetes.io/pv-protection"


def is_bound(volume: PersistentVolume) -> bool:
    return volume.status.phase == "Bound"


def _protection(context: Context) -> Protection[PersistentVolume]:
    return Protection(context, PersistentVolume, FINALIZER, is_bound)


CONTROLLER = Controller(
    name="pv-protection",
    reconciler=_protection,
    watches=(own(PersistentVolume),),
    component="persistentvolume-protection-controller",
    account="pv-protection-controller",
)
