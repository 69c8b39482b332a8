"""SelfSubjectAccessReview: asks whether the caller may do something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.authorization import older_versions
from steersman.kinds.kind import CREATE_ONLY, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.authorization_v1 import SelfSubjectAccessReview

KIND: Kind[SelfSubjectAccessReview] = Kind(
    resource=Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
    versions=older_versions.SELF_SUBJECT_ACCESS_REVIEW,
    stored=False,
    verbs=CREATE_ONLY,
)
