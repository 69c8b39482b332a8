"""Scale: the number of replicas of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v1 import Scale

KIND: Kind[Scale] = Kind(
    resource=Resource("autoscaling", "v1", "scales", "Scale", True),
    stored=False,
    verbs=(),
)
