"""PodCertificateRequest: asks for a pod's certificate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.certificates import podcertificaterequest_rules
from steersman.kinds.kind import NAME, Column, Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import PodCertificateRequest


def _row(obj: PodCertificateRequest, now: datetime) -> list[Any]:
    spec = obj.spec
    return [obj.metadata.name, spec.podName, spec.serviceAccountName, spec.nodeName, spec.signerName, _state(obj)]


def _state(obj: PodCertificateRequest) -> str:
    ends = [c.type for c in obj.status.conditions or () if c.type in ("Issued", "Denied", "Failed")]
    return ends[0] if ends else "Pending"


KIND: Kind[PodCertificateRequest] = Kind(
    resource=Resource("certificates.k8s.io", "v1", "podcertificaterequests", "PodCertificateRequest", True),
    subresources=frozenset({"status"}),
    versions=(
        Version(Resource("certificates.k8s.io", "v1beta1", "podcertificaterequests", "PodCertificateRequest", True)),
    ),
    columns=(
        NAME,
        Column("PodName"),
        Column("ServiceAccountName"),
        Column("NodeName"),
        Column("SignerName"),
        Column("State"),
    ),
    row=_row,
    default=podcertificaterequest_rules.default,
    check_new=podcertificaterequest_rules.check_new,
    check_update=podcertificaterequest_rules.check_update,
    check_status_update=podcertificaterequest_rules.check_status_update,
    selectable=lambda obj: {
        "spec.signerName": obj.spec.signerName,
        "spec.podName": obj.spec.podName,
        "spec.nodeName": obj.spec.nodeName,
    },
)
