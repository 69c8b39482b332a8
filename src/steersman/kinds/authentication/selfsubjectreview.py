"""SelfSubjectReview: tells a caller who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import CREATE_ONLY, Kind, older

if TYPE_CHECKING:
    from steersman.kinds.types.authentication_v1 import SelfSubjectReview

KIND: Kind[SelfSubjectReview] = Kind(
    resource=Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", False),
    versions=(
        older(
            Resource("authentication.k8s.io", "v1beta1", "selfsubjectreviews", "SelfSubjectReview", False),
            "1.30",
            "1.33",
        ),
        older(
            Resource("authentication.k8s.io", "v1alpha1", "selfsubjectreviews", "SelfSubjectReview", False),
            "1.29",
            "1.32",
        ),
    ),
    stored=False,
    verbs=CREATE_ONLY,
)
