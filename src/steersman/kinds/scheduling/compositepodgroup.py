"""CompositePodGroup: pod groups that are scheduled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.scheduling_v1alpha3 import CompositePodGroup

KIND: Kind[CompositePodGroup] = Kind(
    resource=Resource("scheduling.k8s.io", "v1alpha3", "compositepodgroups", "CompositePodGroup", True),
    subresources=frozenset({"status"}),
    served_by_default=False,
)
