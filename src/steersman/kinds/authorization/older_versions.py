"""Access reviews as authorization.k8s.io/v1beta1 knew them: the subject's groups were called `group`."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, Version, older

GROUP = "authorization.k8s.io"
_LIFE = ("1.19", "1.22")


def to_stored(plain: Plain) -> None:
    _rename(plain, "group", "groups")


def from_stored(plain: Plain) -> None:
    _rename(plain, "groups", "group")


def _rename(plain: Plain, old: str, new: str) -> None:
    spec = plain.get("spec") or {}
    if old in spec:
        spec[new] = spec.pop(old)


def _about_subject(plural: str, kind: str, *, namespaced: bool) -> tuple[Version, ...]:
    resource = Resource(GROUP, "v1beta1", plural, kind, namespaced)
    return (older(resource, *_LIFE, to_stored=to_stored, from_stored=from_stored),)


SUBJECT_ACCESS_REVIEW = _about_subject("subjectaccessreviews", "SubjectAccessReview", namespaced=False)
LOCAL_SUBJECT_ACCESS_REVIEW = _about_subject("localsubjectaccessreviews", "LocalSubjectAccessReview", namespaced=True)
SELF_SUBJECT_ACCESS_REVIEW = (
    older(Resource(GROUP, "v1beta1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False), *_LIFE),
)
SELF_SUBJECT_RULES_REVIEW = (
    older(Resource(GROUP, "v1beta1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", False), *_LIFE),
)
