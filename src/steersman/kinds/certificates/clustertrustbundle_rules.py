"""Validation of ClusterTrustBundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.certificates import pem
from steersman.kinds.core.reference_validation import check_signer_name, trust_bundle_name

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import ClusterTrustBundle

_MAX_SIZE = 1024 * 1024
_SIGNER, _BUNDLE = Path("spec", "signerName"), Path("spec", "trustBundle")
_VALUE = "<value omitted>"


def check(obj: ClusterTrustBundle) -> Errors:
    return check_signer_name(obj.spec.signerName, _SIGNER) if obj.spec.signerName else []


def check_new(obj: ClusterTrustBundle) -> Errors:
    name = obj.metadata.name
    wrong = trust_bundle_name(obj.spec.signerName)(name) if name else ()
    return field.all_invalid(Path("metadata", "name"), name, wrong) + _check_bundle(obj.spec.trustBundle)


def check_update(obj: ClusterTrustBundle, old: ClusterTrustBundle) -> Errors:
    errors = _check_bundle(obj.spec.trustBundle) if obj.spec.trustBundle != old.spec.trustBundle else []
    return errors + field.immutable(_SIGNER, obj.spec.signerName, old.spec.signerName)


def _check_bundle(text: str) -> Errors:
    if len(text.encode()) > _MAX_SIZE:
        return [field.too_long(_BUNDLE, _MAX_SIZE)]
    errors: Errors = []
    places: dict[bytes, list[int]] = {}
    for i, block in enumerate(pem.blocks(text.encode())):
        problem = _problem(block)
        if problem:
            errors.append(field.invalid(_BUNDLE, _VALUE, f"entry {i} {problem}"))
        places.setdefault(block.data, []).append(i)
    if errors:
        return errors
    if not places:
        return [field.invalid(_BUNDLE, _VALUE, "at least one trust anchor must be provided")]
    return [
        field.invalid(_BUNDLE, _VALUE, f"duplicate trust anchor (indices [{' '.join(map(str, found))}])")
        for found in places.values()
        if len(found) > 1
    ]


def _problem(block: pem.Block) -> str:
    if block.type != "CERTIFICATE":
        return f"has bad block type: {block.type}"
    if block.has_headers:
        return "has PEM block headers"
    try:
        found = pem.certificate(block.data)
    except pem.X509Error:
        return "does not parse as X.509"
    return "" if pem.is_authority(found) else "does not have the CA bit set"
