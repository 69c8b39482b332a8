"""LocalSubjectAccessReview: asks whether a subject may do something in a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.authorization import older_versions
from steersman.kinds.kind import CREATE_ONLY, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.authorization_v1 import LocalSubjectAccessReview

KIND: Kind[LocalSubjectAccessReview] = Kind(
    resource=Resource("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", True),
    versions=older_versions.LOCAL_SUBJECT_ACCESS_REVIEW,
    stored=False,
    verbs=CREATE_ONLY,
)
