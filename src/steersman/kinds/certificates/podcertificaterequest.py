"""PodCertificateRequest: asks for a pod's certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import PodCertificateRequest

KIND: Kind[PodCertificateRequest] = Kind(
    resource=Resource("certificates.k8s.io", "v1", "podcertificaterequests", "PodCertificateRequest", True),
    subresources=frozenset({"status"}),
    versions=(
        Version(Resource("certificates.k8s.io", "v1beta1", "podcertificaterequests", "PodCertificateRequest", True)),
    ),
)
