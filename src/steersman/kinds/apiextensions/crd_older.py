"""CustomResourceDefinition as apiextensions.k8s.io/v1beta1 knew it: what all versions have in common is said once, and
fields that no schema knows are kept unless it is said otherwise."""

from __future__ import annotations

from typing import Any

from steersman.api.field import FieldError
from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, older

_COLUMNS = "additionalPrinterColumns"
# Nobody had to approve of groups, and unknown fields could be kept.
_TOLERATED = frozenset({"metadata.annotations[api-approved.kubernetes.io]", "spec.preserveUnknownFields"})
# Of all versions → of each.
_SHARED = {
    "validation": "schema",
    "subresources": "subresources",
    _COLUMNS: _COLUMNS,
    "selectableFields": "selectableFields",
}


def _default(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    spec.setdefault("scope", "Namespaced")
    versions = spec.get("versions") or []
    if not versions and spec.get("version"):
        spec["versions"] = [{"name": spec["version"], "served": True, "storage": True}]
    spec.setdefault("preserveUnknownFields", True)
    conversion = spec.get("conversion") or {}
    if conversion.get("strategy") == "Webhook" and not conversion.get("conversionReviewVersions"):
        conversion["conversionReviewVersions"] = ["v1beta1"]


def to_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    spec.pop("version", None)
    versions = spec.get("versions") or []
    for whole, one in _SHARED.items():
        shared = spec.pop(whole, None)
        for version in versions:
            if shared is not None and version.get(one) is None:
                version[one] = _copy(shared)
    for version in versions:
        _rename(version.get(_COLUMNS), "JSONPath", "jsonPath")
    if not spec.get("preserveUnknownFields"):
        spec.pop("preserveUnknownFields", None)
    if (conversion := spec.get("conversion")) is not None:
        _conversion_to_stored(conversion)


def _conversion_to_stored(conversion: Plain) -> None:
    client = conversion.pop("webhookClientConfig", None)
    reviews = conversion.pop("conversionReviewVersions", None)
    if client is not None or reviews is not None:
        webhook: Plain = {"conversionReviewVersions": reviews or []}
        if client is not None:
            webhook["clientConfig"] = client
        conversion["webhook"] = webhook


def from_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    versions = spec.get("versions") or []
    for version in versions:
        _rename(version.get(_COLUMNS), "jsonPath", "JSONPath")
    if versions:
        spec["version"] = versions[0].get("name", "")
    for whole, one in _SHARED.items():
        first = versions[0].get(one) if versions else None
        if first is not None and all(v.get(one) == first for v in versions):
            spec[whole] = first
            for version in versions:
                del version[one]
    spec.setdefault("preserveUnknownFields", False)
    conversion = spec.get("conversion") or {}
    webhook = conversion.pop("webhook", None)
    if webhook is not None:
        if webhook.get("clientConfig") is not None:
            conversion["webhookClientConfig"] = webhook["clientConfig"]
        if webhook.get("conversionReviewVersions"):
            conversion["conversionReviewVersions"] = webhook["conversionReviewVersions"]


def _rename(columns: list[Plain] | None, old: str, new: str) -> None:
    for column in columns or ():
        if old in column:
            column[new] = column.pop(old)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return [_copy(v) for v in value] if isinstance(value, list) else value


def _tolerates(error: FieldError) -> bool:
    return error.field in _TOLERATED


CUSTOM_RESOURCE_DEFINITION = (
    older(
        Resource("apiextensions.k8s.io", "v1beta1", "customresourcedefinitions", "CustomResourceDefinition", False),
        "1.16",
        "1.22",
        to_stored=to_stored,
        from_stored=from_stored,
        default=_default,
        tolerates=_tolerates,
    ),
)
