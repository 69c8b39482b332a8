"""MutatingAdmissionPolicyBinding: where a MutatingAdmissionPolicy applies."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.field import Errors
from steersman.api.meta import Resource
from steersman.kinds.admissionregistration import param_column
from steersman.kinds.admissionregistration.matching_defaults import default_match
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import MutatingAdmissionPolicyBinding


def _row(obj: MutatingAdmissionPolicyBinding, now: datetime) -> list[Any]:
    spec = obj.spec
    return [obj.metadata.name, spec.policyName, param_column.shown(spec.paramRef), created(obj, now)]


def _default(obj: MutatingAdmissionPolicyBinding) -> None:
    default_match(obj.spec.matchResources)


def _check_new(obj: MutatingAdmissionPolicyBinding) -> Errors:
    from steersman.kinds.admissionregistration import policy_validation

    return policy_validation.validate_mutating_binding(obj)


def _check_update(obj: MutatingAdmissionPolicyBinding, old: MutatingAdmissionPolicyBinding) -> Errors:
    from steersman.kinds.admissionregistration import policy_validation

    return policy_validation.validate_mutating_binding(obj)


KIND: Kind[MutatingAdmissionPolicyBinding] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", False
    ),
    categories=("api-extensions",),
    versions=(
        Version(
            Resource(
                "admissionregistration.k8s.io",
                "v1beta1",
                "mutatingadmissionpolicybindings",
                "MutatingAdmissionPolicyBinding",
                False,
            )
        ),
        Version(
            Resource(
                "admissionregistration.k8s.io",
                "v1alpha1",
                "mutatingadmissionpolicybindings",
                "MutatingAdmissionPolicyBinding",
                False,
            )
        ),
    ),
    generation=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("PolicyName"), Column("ParamRef"), AGE),
    row=_row,
    default=_default,
    check_new=_check_new,
    check_update=_check_update,
)
