"""SelfSubjectRulesReview: lists what the caller may do in a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.authorization import older_versions
from steersman.kinds.kind import CREATE_ONLY, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.authorization_v1 import SelfSubjectRulesReview

KIND: Kind[SelfSubjectRulesReview] = Kind(
    resource=Resource("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False),
    versions=older_versions.SELF_SUBJECT_RULES_REVIEW,
    stored=False,
    verbs=CREATE_ONLY,
)
