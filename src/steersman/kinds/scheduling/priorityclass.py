"""PriorityClass: the value of a pod's priority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.scheduling_v1 import PriorityClass

KIND: Kind[PriorityClass] = Kind(
    resource=Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False),
    short_names=("pc",),
    allow_create_on_update=True,
)
