"""CertificateSigningRequest: asks for a certificate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.duration import human
from steersman.api.meta import Resource
from steersman.kinds.certificates import csr_older, csr_rules
from steersman.kinds.columns import NONE, created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import CertificateSigningRequest


def _row(obj: CertificateSigningRequest, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        created(obj, now),
        obj.spec.signerName or NONE,
        obj.spec.username,
        NONE if obj.spec.expirationSeconds is None else human(obj.spec.expirationSeconds),
        _condition(obj),
    ]


def _condition(obj: CertificateSigningRequest) -> str:
    given = {c.type for c in obj.status.conditions or ()}
    words = ["Denied" if "Denied" in given else "Approved" if "Approved" in given else "Pending"]
    words += ["Failed"] if "Failed" in given else []
    words += ["Issued"] if obj.status.certificate else []
    return ",".join(words)


KIND: Kind[CertificateSigningRequest] = Kind(
    resource=Resource("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", False),
    versions=csr_older.CERTIFICATE_SIGNING_REQUEST,
    short_names=("csr",),
    subresources=frozenset({"approval", "status"}),
    name_rule=names.path_segment,
    columns=(NAME, AGE, Column("SignerName"), Column("Requestor"), Column("RequestedDuration"), Column("Condition")),
    row=_row,
    on_update=csr_rules.on_update,
    on_status_update=csr_rules.on_status_update,
    check_new=csr_rules.check_new,
    check_status_update=csr_rules.check_status_update,
    check_subresource={"approval": csr_rules.check_approval},
    selectable=lambda obj: {"spec.signerName": obj.spec.signerName},
)
