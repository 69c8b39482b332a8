"""ValidatingAdmissionPolicy: refuses objects by expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import ValidatingAdmissionPolicy

KIND: Kind[ValidatingAdmissionPolicy] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", False
    ),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
)
