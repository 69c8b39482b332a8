"""SelfSubjectReview: tells a caller who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import CREATE_ONLY, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.authentication_v1 import SelfSubjectReview

KIND: Kind[SelfSubjectReview] = Kind(
    resource=Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", False),
    stored=False,
    verbs=CREATE_ONLY,
)
