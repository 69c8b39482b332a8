"""What a claim's volume is filled with: two fields for one thing, of which clients may know the older one only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolumeClaimSpec, TypedLocalObjectReference

_KNOWN: Final = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def complete(spec: PersistentVolumeClaimSpec, before: PersistentVolumeClaimSpec | None = None) -> None:
    """Each field says what the other does. `before` is the stored spec of a change.

    The older field has always been ignored when it named anything but a claim or a snapshot. What would come from another
    namespace is ignored as long as there is no way to say that this is fine there.
    """
    reference = spec.dataSourceRef
    if reference is not None and reference.namespace and (before is None or before.dataSourceRef is None):
        spec.dataSourceRef = None
    had = before is not None and (before.dataSource is not None or before.dataSourceRef is not None)
    if not had and spec.dataSourceRef is None and not _is_known(spec.dataSource):
        spec.dataSource = None
    _copy(spec)


def _is_known(source: TypedLocalObjectReference | None) -> bool:
    return source is not None and (source.apiGroup or "", source.kind) in _KNOWN


def _copy(spec: PersistentVolumeClaimSpec) -> None:
    from steersman.kinds.types.core_v1 import TypedLocalObjectReference, TypedObjectReference

    source, reference = spec.dataSource, spec.dataSourceRef
    if source is not None and reference is None:
        spec.dataSourceRef = TypedObjectReference(apiGroup=source.apiGroup, kind=source.kind, name=source.name)
    elif reference is not None and source is None and not reference.namespace:
        spec.dataSource = TypedLocalObjectReference(
            apiGroup=reference.apiGroup, kind=reference.kind, name=reference.name
        )
