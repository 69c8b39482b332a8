"""PodGroup: pods that are scheduled together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.scheduling_v1beta1 import PodGroup

KIND: Kind[PodGroup] = Kind(
    resource=Resource("scheduling.k8s.io", "v1beta1", "podgroups", "PodGroup", True),
    subresources=frozenset({"status"}),
    versions=(Version(Resource("scheduling.k8s.io", "v1alpha3", "podgroups", "PodGroup", True)),),
    served_by_default=False,
)
