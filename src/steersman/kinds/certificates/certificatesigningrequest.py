"""CertificateSigningRequest: asks for a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

KIND: Kind[CertificateSigningRequest] = Kind(
    resource=Resource("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", False),
    short_names=("csr",),
    subresources=frozenset({"approval", "status"}),
    name_rule=names.path_segment,
    allow_unconditional_update=True,
)
