"""ValidatingAdmissionPolicy: refuses objects by expressions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.field import Errors, Path
from steersman.api.meta import Resource
from steersman.kinds.admissionregistration.matching_defaults import default_match
from steersman.kinds.columns import UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, older

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import ValidatingAdmissionPolicy


def _row(obj: ValidatingAdmissionPolicy, now: datetime) -> list[Any]:
    kind = obj.spec.paramKind
    return [
        obj.metadata.name,
        len(obj.spec.validations or ()),
        f"{kind.apiVersion}/{kind.kind}" if kind else UNSET,
        created(obj, now),
    ]


def _default(obj: ValidatingAdmissionPolicy) -> None:
    obj.spec.failurePolicy = obj.spec.failurePolicy or "Fail"
    default_match(obj.spec.matchConstraints)


def _check_new(obj: ValidatingAdmissionPolicy) -> Errors:
    from steersman.kinds.admissionregistration import policy_validation

    return policy_validation.validate_validating(obj)


def _check_update(obj: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy) -> Errors:
    from steersman.kinds.admissionregistration import policy_validation

    return policy_validation.validate_validating(obj, old)


def _check_status(obj: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy) -> Errors:
    from steersman.kinds.admissionregistration import policy_status

    return policy_status.validate(obj.status, Path("status"))


KIND: Kind[ValidatingAdmissionPolicy] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", False
    ),
    versions=(
        older(
            Resource(
                "admissionregistration.k8s.io",
                "v1beta1",
                "validatingadmissionpolicies",
                "ValidatingAdmissionPolicy",
                False,
            ),
            "1.31",
            "1.34",
        ),
    ),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("Validations", "integer"), Column("ParamKind"), AGE),
    row=_row,
    default=_default,
    check_new=_check_new,
    check_update=_check_update,
    check_status_update=_check_status,
)
