"""LeaseCandidate: a candidate for a Lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.coordination_v1beta1 import LeaseCandidate

KIND: Kind[LeaseCandidate] = Kind(
    resource=Resource("coordination.k8s.io", "v1beta1", "leasecandidates", "LeaseCandidate", True),
    versions=(Version(Resource("coordination.k8s.io", "v1alpha2", "leasecandidates", "LeaseCandidate", True)),),
    served_by_default=False,
    allow_create_on_update=True,
    allow_unconditional_update=False,
)
