"""PersistentVolume: a piece of storage in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolume

KIND: Kind[PersistentVolume] = Kind(
    resource=Resource("", "v1", "persistentvolumes", "PersistentVolume", False),
    short_names=("pv",),
    subresources=frozenset({"status"}),
)
