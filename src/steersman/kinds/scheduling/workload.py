"""Workload: how the pods of a workload are grouped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.scheduling_v1beta1 import Workload

KIND: Kind[Workload] = Kind(
    resource=Resource("scheduling.k8s.io", "v1beta1", "workloads", "Workload", True),
    versions=(Version(Resource("scheduling.k8s.io", "v1alpha3", "workloads", "Workload", True)),),
    served_by_default=False,
)
