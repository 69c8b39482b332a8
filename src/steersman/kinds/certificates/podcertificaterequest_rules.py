"""Defaults and validation of PodCertificateRequests: asked once, and answered once."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import OMITTED, Errors, Path
from steersman.api.meta import parse_time
from steersman.kinds import condition_rules
from steersman.kinds.certificates import pem
from steersman.kinds.core.reference_validation import check_signer_name, is_kubernetes_signer
from steersman.kinds.metadata import validate_annotations

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from steersman.kinds.types.certificates_v1 import (
        PodCertificateRequest,
        PodCertificateRequestSpec,
        PodCertificateRequestStatus,
    )

DEFAULT_SECONDS = 86_400
_MIN_SECONDS, _MAX_SECONDS, _MAX_KUBERNETES_SECONDS = 3600, 7_862_400, 86_400
_MAX_UID = 128
_MAX_REQUEST = 10 * 1024
_MAX_CHAIN = 100 * 1024
_ENDS = ("Issued", "Denied", "Failed")
_MARGIN = timedelta(minutes=10)
# Durations are told in nanoseconds.
_NANOS = 10**9
_ADDRESS = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
_SPEC, _STATUS = Path("spec"), Path("status")
_CHAIN = _STATUS.child("certificateChain")


def default(obj: PodCertificateRequest) -> None:
    if obj.spec.maxExpirationSeconds is None:
        obj.spec.maxExpirationSeconds = DEFAULT_SECONDS


def check_new(obj: PodCertificateRequest) -> Errors:
    spec = obj.spec
    errors = check_signer_name(spec.signerName, _SPEC.child("signerName"))
    errors += _check_annotations(spec)
    for of in ("pod", "serviceAccount", "node"):
        name, uid = getattr(spec, f"{of}Name"), getattr(spec, f"{of}UID")
        errors += field.all_invalid(_SPEC.child(f"{of}Name"), name, names.dns1123_subdomain(name))
        if not uid:
            errors.append(field.invalid(_SPEC.child(f"{of}UID"), uid, "must not be empty"))
        if len(uid) > _MAX_UID:
            errors.append(field.too_long(_SPEC.child(f"{of}UID"), _MAX_UID))
    return errors + _check_lifetime(spec) + _check_request(spec)


def _check_annotations(spec: PodCertificateRequestSpec) -> Errors:
    at, given = _SPEC.child("unverifiedUserAnnotations"), spec.unverifiedUserAnnotations
    detail = "must be a domain-prefixed key (such as 'acme.io/foo')"
    # The case does not matter; and what is no key at all need not be one with a domain.
    lower = {key.lower(): value for key, value in (given or {}).items()}
    errors = validate_annotations(lower, at)
    return errors + [
        field.invalid(at, key, detail) for key in lower if "/" not in key and not names.qualified_name(key)
    ]


def _check_lifetime(spec: PodCertificateRequestSpec) -> Errors:
    at, seconds = _SPEC.child("maxExpirationSeconds"), spec.maxExpirationSeconds
    if seconds is None:
        return [field.required(at, "must be set")]
    longest = _MAX_KUBERNETES_SECONDS if is_kubernetes_signer(spec.signerName) else _MAX_SECONDS
    if _MIN_SECONDS <= seconds <= longest:
        return []
    return [field.invalid(at, seconds, f"must be in the range [{_MIN_SECONDS}, {longest}]")]


def _check_request(spec: PodCertificateRequestSpec) -> Errors:
    at = _SPEC.child("stubPKCS10Request")
    data = _decoded(spec.stubPKCS10Request)
    if not data:
        detail = "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set"
        return [field.invalid(_SPEC, OMITTED, detail)]
    if len(data) > _MAX_REQUEST:
        return [field.too_long(at, _MAX_REQUEST)]
    try:
        found = pem.unverified(data)
    except pem.X509Error:
        return [field.invalid(at, OMITTED, "must be a valid PKCS#10 CSR")]
    if problem := pem.key_problem(found):
        value, detail = problem
        return [field.invalid(at, value or OMITTED, detail)]
    return [] if pem.is_signed(found) else [field.invalid(at, OMITTED, "invalid signature")]


def check_update(obj: PodCertificateRequest, old: PodCertificateRequest) -> Errors:
    return field.immutable(_SPEC, obj.spec, old.spec)


def check_status_update(obj: PodCertificateRequest, old: PodCertificateRequest) -> Errors:
    """The one transition that there is: to an answer, with all that belongs to it."""
    errors = _check_conditions(obj.status) + condition_rules.check(obj.status.conditions, _STATUS.child("conditions"))
    if errors:
        return errors
    if _end(old.status):
        return _same(obj.status, old.status, "immutable after PodCertificateRequest is issued, denied, or failed")
    end = _end(obj.status)
    if end == "Issued":
        return _check_issued(obj, old)
    if end:
        alone = type(obj.status)(conditions=obj.status.conditions)
        detail = "non-condition status fields must be empty when denying or failing the PodCertificateRequest"
        return _same(obj.status, alone, detail)
    detail = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"'
    return _same(obj.status, old.status, detail)


def _check_conditions(status: PodCertificateRequestStatus) -> Errors:
    errors: Errors = []
    known = 0
    for i, condition in enumerate(status.conditions or ()):
        # Spelt as Kubernetes does.
        at = Path("status", f"conditions.[{i}]")
        if condition.type not in _ENDS:
            errors.append(field.not_supported(at.child("type"), condition.type, _ENDS))
            continue
        known += 1
        if known > 1:
            detail = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
            errors.append(field.invalid(at.child("type"), condition.type, detail))
        if condition.status != "True":
            errors.append(field.not_supported(at.child("status"), condition.status, ("True",)))
    return errors


def _end(status: PodCertificateRequestStatus) -> str:
    return next((c.type for c in status.conditions or () if c.type in _ENDS and c.status == "True"), "")


def _same(new: PodCertificateRequestStatus, wanted: PodCertificateRequestStatus, detail: str) -> Errors:
    return [] if field.same(new, wanted) else [field.invalid(_STATUS, OMITTED, detail)]


def _check_issued(obj: PodCertificateRequest, old: PodCertificateRequest) -> Errors:
    chain = obj.status.certificateChain
    if len(chain.encode()) > _MAX_CHAIN:
        return [field.too_long(_CHAIN, _MAX_CHAIN)]
    found = pem.blocks(chain.encode())
    if not found:
        return [field.invalid(_CHAIN, chain, "issued certificate chain must contain at least one certificate")]
    if found[0].type != "CERTIFICATE":
        detail = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks"
        return [field.invalid(_CHAIN, chain, detail)]
    try:
        leaf = pem.certificate(found[0].data)
    except pem.X509Error:
        return [field.invalid(_CHAIN, chain, "leaf certificate does not parse as valid X.509")]
    errors = _check_names(leaf)
    asked = pem.unverified(_decoded(old.spec.stubPKCS10Request))
    if pem.key_id(leaf) != pem.key_id(asked):
        detail = "leaf certificate was not issued to the requested public key"
        return [*errors, field.invalid(_CHAIN, chain, detail)]
    return errors + (_check_times(obj, leaf) or _check_rest(found[1:], chain))


def _check_names(leaf: Certificate) -> Errors:
    """Whom the certificate is for."""
    errors: Errors = []
    hosts, addresses = pem.alternatives(leaf)
    for host in hosts:
        if not host:
            errors.append(field.invalid(_CHAIN, host, "leaf certificate should not contain empty DNSName"))
        if ".." in host:
            errors.append(field.invalid(_CHAIN, host, "leaf certificate's DNSName should not contain '..'"))
        if host.startswith(".") or host.endswith("."):
            errors.append(field.invalid(_CHAIN, host, "leaf certificate's DNSName should not start or end with '.'"))
    return errors + [
        field.invalid(_CHAIN, address, "leaf certificate should not contain invalid EmailAddress")
        for address in addresses
        if not _ADDRESS.fullmatch(address)
    ]


def _check_times(obj: PodCertificateRequest, leaf: Certificate) -> Errors:
    status = obj.status
    consistent = "must be present and consistent with the issued certificate"
    missing = [
        field.required(_STATUS.child(name), detail)
        for name, detail in (
            ("notBefore", consistent),
            ("notAfter", consistent),
            ("beginRefreshAt", "must be present and in the range [notbefore+10min, notafter-10min]"),
        )
        if not getattr(status, name)
    ]
    if missing:
        return missing
    start, end, refresh = map(parse_time, (status.notBefore, status.notAfter, status.beginRefreshAt))
    if start != leaf.not_valid_before_utc:
        detail = "must be set to the NotBefore time encoded in the leaf certificate"
        return [field.invalid(_STATUS.child("notBefore"), status.notBefore, detail)]
    if end != leaf.not_valid_after_utc:
        detail = "must be set to the NotAfter time encoded in the leaf certificate"
        return [field.invalid(_STATUS.child("notAfter"), status.notAfter, detail)]
    lifetime = int((end - start).total_seconds())
    if lifetime < _MIN_SECONDS:
        return [field.invalid(_CHAIN, lifetime * _NANOS, "leaf certificate lifetime must be >= 1 hour")]
    longest = obj.spec.maxExpirationSeconds or DEFAULT_SECONDS
    if lifetime > longest:
        detail = f"leaf certificate lifetime must be <= spec.maxExpirationSeconds ({longest})"
        return [field.invalid(_CHAIN, lifetime * _NANOS, detail)]
    at = _STATUS.child("beginRefreshAt")
    if refresh < start + _MARGIN:
        return [field.invalid(at, status.beginRefreshAt, "must be at least 10 minutes after status.notBefore")]
    if refresh > end - _MARGIN:
        return [field.invalid(at, status.beginRefreshAt, "must be at least 10 minutes before status.notAfter")]
    return []


def _check_rest(blocks: list[pem.Block], chain: str) -> Errors:
    for block in blocks:
        if block.type != "CERTIFICATE":
            detail = "issued certificate chain must consist entirely of CERTFICATE PEM blocks"
            return [field.invalid(_CHAIN, chain, detail)]
        try:
            pem.certificate(block.data)
        except pem.X509Error:
            return [field.invalid(_CHAIN, chain, "intermediate certificate does not parse as valid X.509")]
    return []


def _decoded(text: str) -> bytes:
    """The bytes of a field that travels as base64; the decoder of objects has refused anything else."""
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
