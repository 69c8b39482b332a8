"""MutatingAdmissionPolicy: changes objects by expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import MutatingAdmissionPolicy

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
)
