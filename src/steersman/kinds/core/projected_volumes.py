"""Validation of projected volumes: several sources that make files in one directory, each at a path of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.core import key_files
from steersman.kinds.core.reference_validation import check_signer_name, is_kubernetes_signer, trust_bundle_name
from steersman.kinds.metadata import ANNOTATIONS_LIMIT

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        ClusterTrustBundleProjection,
        PodCertificateProjection,
        ProjectedVolumeSource,
        ServiceAccountTokenProjection,
        VolumeProjection,
    )

_MIN_TOKEN_SECONDS, _MAX_TOKEN_SECONDS = 600, 2**32
_MIN_CERTIFICATE, _MAX_CERTIFICATE, _MAX_KUBERNETES_CERTIFICATE = 3600, 7_862_400, 86_400
_KEY_TYPES = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
_CERTIFICATE_FILES = ("credentialBundlePath", "keyPath", "certificateChainPath")
_ONE_TYPE = "may not specify more than 1 volume type per source"


def check(source: ProjectedVolumeSource, path: Path) -> Errors:
    errors = key_files.check_mode(source.defaultMode, path.child("defaultMode"))
    seen: set[str] = set()
    for i, projection in enumerate(source.sources or ()):
        errors += _check_projection(projection, path, path.child("sources").index(i), seen)
    return errors


def _check_projection(projection: VolumeProjection, volume: Path, path: Path, seen: set[str]) -> Errors:
    """One source; `volume` is where conflicts between sources are reported."""
    errors: Errors = []
    found = 0
    for name, check_one in _CHECKS.items():
        source = getattr(projection, name)
        if source is None:
            continue
        found += 1
        errors += check_one(source, path.child(name), volume)
        shown = getattr(source, "name", "") if name in ("secret", "configMap") else None
        for file in _files(name, source):
            if file in seen:
                errors.append(field.invalid(volume, file if shown is None else shown, "conflicting duplicate paths"))
            seen.add(file)
    return [*errors, field.forbidden(path, _ONE_TYPE)] if found > 1 else errors


def _files(name: str, source: Any) -> list[str]:
    """The files that a source makes, as far as the spec says. Tokens take their places last, and quietly."""
    if name == "serviceAccountToken":
        return []
    if name == "podCertificate":
        return [text for n in _CERTIFICATE_FILES if (text := getattr(source, n))]
    if name == "clusterTrustBundle":
        return [source.path]
    return [item.path for item in source.items or () if item.path]


def _check_keyed(source: Any, path: Path, volume: Path) -> Errors:
    errors: Errors = [] if source.name else [field.required(path.child("name"))]
    return errors + key_files.check_items(source, path)


def _check_downward(source: Any, path: Path, volume: Path) -> Errors:
    return key_files.check_downward_files(source, path)


def _check_token(source: ServiceAccountTokenProjection, path: Path, volume: Path) -> Errors:
    errors: Errors = []
    seconds, at = source.expirationSeconds, path.child("expirationSeconds")
    if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
        errors.append(field.invalid(at, seconds, "may not specify a duration less than 10 minutes"))
    if seconds is not None and seconds > _MAX_TOKEN_SECONDS:
        errors.append(field.invalid(at, seconds, "may not specify a duration larger than 2^32 seconds"))
    if not source.path:
        return [*errors, field.required(volume.child("path"))]
    return errors + key_files.local_path(source.path, volume.child("path"))


def _check_trust_bundle(source: ClusterTrustBundleProjection, path: Path, volume: Path) -> Errors:
    errors: Errors = []
    if source.name is not None and source.signerName is not None:
        errors.append(field.invalid(path, source, "only one of name and signerName may be used"))
    elif source.name is not None:
        errors += _check_trust_bundle_name(source.name, path.child("name"))
        if source.labelSelector is not None:
            detail = "labelSelector must be unset if name is specified"
            errors.append(field.invalid(path.child("labelSelector"), source.labelSelector, detail))
    elif source.signerName is not None:
        at = path.child("signerName")
        if not source.signerName:
            errors.append(field.required(at, "must be a valid signer name"))
        errors += check_signer_name(source.signerName, at)
        errors += label_selector.check(source.labelSelector, path.child("labelSelector"))
    else:
        errors.append(field.required(path, "either name or signerName must be specified"))
    if not source.path:
        errors.append(field.required(path.child("path")))
    return errors + key_files.local_path(source.path, path.child("path"))


def _check_trust_bundle_name(name: str, path: Path) -> Errors:
    errors: Errors = [] if name else [field.required(path, "must be a valid object name")]
    signer = name.rpartition(":")[0].replace(":", "/")
    wrong = trust_bundle_name(signer)(name)
    return errors + [field.invalid(path, name, f"not a valid clustertrustbundlename: {message}") for message in wrong]


def _check_certificate(source: PodCertificateProjection, path: Path, volume: Path) -> Errors:
    errors = check_signer_name(source.signerName, path.child("signerName"))
    errors += _check_user_annotations(source.userAnnotations, path.child("userAnnotations"))
    if source.keyType not in _KEY_TYPES:
        errors.append(field.not_supported(path.child("keyType"), source.keyType, _KEY_TYPES))
    longest = _MAX_KUBERNETES_CERTIFICATE if is_kubernetes_signer(source.signerName) else _MAX_CERTIFICATE
    seconds, at = source.maxExpirationSeconds, path.child("maxExpirationSeconds")
    if seconds is not None and seconds < _MIN_CERTIFICATE:
        errors.append(field.invalid(at, seconds, f"if provided, maxExpirationSeconds must be >= {_MIN_CERTIFICATE}"))
    if seconds is not None and seconds > longest:
        errors.append(field.invalid(at, seconds, f"if provided, maxExpirationSeconds must be <= {longest}"))
    given = [n for n in _CERTIFICATE_FILES if getattr(source, n)]
    for name in given:
        errors += key_files.local_path(getattr(source, name), path.child(name))
    if not given:
        detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"
        errors.append(field.required(path, detail))
    return errors


def _check_user_annotations(annotations: Mapping[str, str] | None, path: Path) -> Errors:
    """What is handed on to the signer, under keys of whoever understands it."""
    errors: Errors = []
    for key in map(str.lower, annotations or ()):
        wrong = names.qualified_name(key) if key else ()
        errors += field.all_invalid(path, key, wrong)
        if not key:
            errors.append(field.required(path))
        elif not wrong and "/" not in key:
            errors.append(field.invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")'))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in (annotations or {}).items())
    return [*errors, field.too_long(path, ANNOTATIONS_LIMIT)] if size > ANNOTATIONS_LIMIT else errors


_CHECKS: dict[str, Callable[[Any, Path, Path], Errors]] = {
    "secret": _check_keyed,
    "configMap": _check_keyed,
    "downwardAPI": _check_downward,
    "serviceAccountToken": _check_token,
    "clusterTrustBundle": _check_trust_bundle,
    "podCertificate": _check_certificate,
}
