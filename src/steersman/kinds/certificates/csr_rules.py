"""What the API server keeps and checks of CertificateSigningRequests, in each of the ways they change."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.certificates import pem
from steersman.kinds.certificates.signers import LEGACY
from steersman.kinds.core.reference_validation import check_signer_name

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition

_USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
_MIN_SECONDS = 600
_DECISIONS = ("Approved", "Denied")
_ENDS = (*_DECISIONS, "Failed")
_STATUSES = ("False", "True", "Unknown")
_SPEC = Path("spec")
_CONDITIONS, _CERTIFICATE = Path("status", "conditions"), Path("status", "certificate")


def on_update(obj: CertificateSigningRequest, old: CertificateSigningRequest) -> None:
    """What was asked for, and by whom, does not change any more."""
    obj.spec = old.spec


def on_status_update(obj: CertificateSigningRequest, old: CertificateSigningRequest) -> None:
    """A signer that sends decisions back in other words does not change them."""
    for kind in _DECISIONS:
        before = iter(_of_type(old, kind))
        conditions = obj.status.conditions or []
        if len(_of_type(obj, kind)) == len(_of_type(old, kind)):
            obj.status.conditions = [next(before) if c.type == kind else c for c in conditions] or None


def check_new(obj: CertificateSigningRequest) -> Errors:
    spec = obj.spec
    errors: Errors = []
    try:
        pem.request_text(_decoded(spec.request))
    except pem.X509Error as error:
        errors.append(field.invalid(_SPEC.child("request"), spec.request, str(error)))
    at = _SPEC.child("usages")
    usages = spec.usages or []
    if not usages:
        errors.append(field.required(at))
    errors += [field.not_supported(at.index(i), u, _USAGES) for i, u in enumerate(usages) if u not in _USAGES]
    errors += [field.duplicate(at.index(i), usages[i]) for i in field.repeated(usages)]
    at = _SPEC.child("signerName")
    if spec.signerName == LEGACY:
        detail = "the legacy signerName is not allowed via this API version"
        errors.append(field.invalid(at, spec.signerName, detail))
    else:
        errors += check_signer_name(spec.signerName, at)
    if spec.expirationSeconds is not None and spec.expirationSeconds < _MIN_SECONDS:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(field.invalid(_SPEC.child("expirationSeconds"), spec.expirationSeconds, detail))
    return errors


def check_status_update(obj: CertificateSigningRequest, old: CertificateSigningRequest) -> Errors:
    """A signer may issue a certificate, or fail; it decides nothing."""
    errors = _check_conditions(obj, old)
    changed = obj.status.certificate != old.status.certificate
    problem = _certificate_problem(_decoded(obj.status.certificate)) if changed else ""
    # What was no certificate before need not be one now.
    if problem and not _certificate_problem(_decoded(old.status.certificate)):
        errors.append(field.invalid(_CERTIFICATE, "<certificate data>", problem))
    errors += _check_removed(obj, old)
    errors += [
        field.forbidden(_CONDITIONS, f'updates may not add a condition of type "{kind}"')
        for kind in _DECISIONS
        if len(_of_type(obj, kind)) > len(_of_type(old, kind))
    ]
    if changed and old.status.certificate:
        errors.append(field.forbidden(_CERTIFICATE, "updates may not modify existing certificate content"))
    return errors


def check_approval(obj: CertificateSigningRequest, old: CertificateSigningRequest) -> Errors:
    """An approver decides; it issues nothing."""
    return _check_conditions(obj, old) + _check_removed(obj, old)


def _check_conditions(obj: CertificateSigningRequest, old: CertificateSigningRequest) -> Errors:
    """What was wrong with the conditions before is put up with."""
    errors: Errors = []
    seen: set[str] = set()
    types = [c.type for c in old.status.conditions or ()]
    before = set(types)
    both_known = before.issuperset(_DECISIONS)
    for i, condition in enumerate(obj.status.conditions or ()):
        at = _CONDITIONS.index(i)
        if not condition.type and "" not in before:
            errors.append(field.required(at.child("type")))
        allowed = ("True",) if condition.type in _ENDS else _STATUSES
        errors += field.check_choice(condition.status, allowed, at.child("status"))
        if condition.type in _DECISIONS and seen & set(_DECISIONS) - {condition.type} and not both_known:
            detail = "Approved and Denied conditions are mutually exclusive"
            errors.append(field.invalid(_CONDITIONS, condition.type, detail))
        if condition.type in seen and len(types) == len(before):
            errors.append(field.duplicate(at.child("type"), condition.type))
        seen.add(condition.type)
    return errors


def _check_removed(obj: CertificateSigningRequest, old: CertificateSigningRequest) -> Errors:
    return [
        field.forbidden(_CONDITIONS, f'updates may not remove a condition of type "{kind}"')
        for kind in _ENDS
        if len(_of_type(obj, kind)) < len(_of_type(old, kind))
    ]


def _of_type(obj: CertificateSigningRequest, kind: str) -> list[CertificateSigningRequestCondition]:
    return [c for c in obj.status.conditions or () if c.type == kind]


def _certificate_problem(text: bytes) -> str:
    if not text:
        return ""
    found = pem.blocks(text)
    for block in found:
        if block.type != "CERTIFICATE":
            return f'only CERTIFICATE PEM blocks are allowed, found "{block.type}"'
        if block.has_headers:
            return "no PEM block headers are permitted"
        try:
            pem.certificate(block.data)
        except pem.X509Error as error:
            return str(error)
    return "" if found else "must contain at least one CERTIFICATE PEM block"


def _decoded(text: str) -> bytes:
    """The bytes of a field that travels as base64; the decoder of objects has refused anything else."""
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
