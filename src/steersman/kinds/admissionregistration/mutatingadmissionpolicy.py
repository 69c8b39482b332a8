"""MutatingAdmissionPolicy: changes objects by expressions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.field import Errors
from steersman.api.meta import Resource
from steersman.kinds.admissionregistration.matching_defaults import default_match
from steersman.kinds.columns import UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import MutatingAdmissionPolicy


def _row(obj: MutatingAdmissionPolicy, now: datetime) -> list[Any]:
    kind = obj.spec.paramKind
    return [
        obj.metadata.name,
        len(obj.spec.mutations or ()),
        f"{kind.apiVersion}/{kind.kind}" if kind else UNSET,
        created(obj, now),
    ]


def _default(obj: MutatingAdmissionPolicy) -> None:
    obj.spec.failurePolicy = obj.spec.failurePolicy or "Fail"
    default_match(obj.spec.matchConstraints)


def _check_new(obj: MutatingAdmissionPolicy) -> Errors:
    from steersman.kinds.admissionregistration import policy_validation

    return policy_validation.validate_mutating(obj)


def _check_update(obj: MutatingAdmissionPolicy, old: MutatingAdmissionPolicy) -> Errors:
    from steersman.kinds.admissionregistration import policy_validation

    return policy_validation.validate_mutating(obj, old)


KIND: Kind[MutatingAdmissionPolicy] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", False
    ),
    categories=("api-extensions",),
    versions=(
        Version(
            Resource(
                "admissionregistration.k8s.io", "v1beta1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", False
            )
        ),
        Version(
            Resource(
                "admissionregistration.k8s.io",
                "v1alpha1",
                "mutatingadmissionpolicies",
                "MutatingAdmissionPolicy",
                False,
            )
        ),
    ),
    generation=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("Mutations", "integer"), Column("ParamKind"), AGE),
    row=_row,
    default=_default,
    check_new=_check_new,
    check_update=_check_update,
)
