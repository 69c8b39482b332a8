"""Policies refer only to parameters that those who configure them may read."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review

_GROUP = "admissionregistration.k8s.io"
_PLURALS = (
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
)


async def validate(review: Review, environment: Environment) -> None:
    if environment.check_params is not None:
        await environment.check_params(review)


ADMISSION = Admission(
    name="AdmissionPolicyParams",
    order=3_750,
    interests=tuple(Interest(frozenset({CREATE, UPDATE}), plural, _GROUP) for plural in _PLURALS),
    validate=validate,
)
