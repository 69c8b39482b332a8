"""Since when something is as it is, where only the server's clock can tell: a volume's phase, a device's taint."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.api.meta import format_time
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import PersistentVolume
from steersman.kinds.types.resource_v1 import DeviceTaint, ResourceSlice

_VOLUMES, _SLICES, _TAINTS = "persistentvolumes", "resourceslices", "devicetaintrules"
_DEVICES = "resource.k8s.io"


async def mutate(review: Review, environment: Environment) -> None:
    now = format_time(environment.clock.now())
    if review.resource.plural == _VOLUMES:
        _date_phase(review.object, review.old, now)
    elif review.resource.plural == _SLICES:
        _date_taints(_taints(review.object), now)
    else:
        _date_taints([review.object.spec.taint], now)


def _date_phase(volume: PersistentVolume, old: PersistentVolume, now: str) -> None:
    """A new phase begins now, unless its reporter says when; an old one keeps its time."""
    status = volume.status
    if status.phase == old.status.phase:
        status.lastPhaseTransitionTime = status.lastPhaseTransitionTime or old.status.lastPhaseTransitionTime
    elif status.lastPhaseTransitionTime in ("", old.status.lastPhaseTransitionTime):
        status.lastPhaseTransitionTime = now


def _taints(devices: ResourceSlice) -> Iterable[DeviceTaint]:
    return (taint for device in devices.spec.devices or () for taint in device.taints or ())


def _date_taints(taints: Iterable[DeviceTaint], now: str) -> None:
    for taint in taints:
        taint.timeAdded = taint.timeAdded or now


ADMISSION = Admission(
    name="StateTimes",
    order=3_730,
    interests=(
        Interest(frozenset({UPDATE}), _VOLUMES, "", "status"),
        Interest(frozenset({CREATE, UPDATE}), _SLICES, _DEVICES),
        Interest(frozenset({CREATE, UPDATE}), _TAINTS, _DEVICES),
    ),
    mutate=mutate,
)
