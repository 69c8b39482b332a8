"""Validation of downward API references: fields of the pod and resources of its containers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ObjectFieldSelector, ResourceFieldSelector

_CONVERTIBLE = frozenset({
    "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    "spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "spec.schedulerName",
    "status.phase", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
})  # fmt: skip
_RESOURCES = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
_HUGE_PAGES = ("requests.hugepages-", "limits.hugepages-")
_BYTE_UNITS = (
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
)  # fmt: skip


def check_field_ref(ref: ObjectFieldSelector, allowed: Collection[str], path: Path) -> Errors:
    """A reference to a field of the pod; `allowed` are the fields that may be named here."""
    if not ref.apiVersion:
        return [field.required(path.child("apiVersion"))]
    if not ref.fieldPath:
        return [field.required(path.child("fieldPath"))]
    at = path.child("fieldPath")
    base, key = _split(ref.fieldPath)
    if base not in _CONVERTIBLE:
        detail = f"error converting fieldPath: field label not supported: {base}"
        return [field.invalid(at, ref.fieldPath, detail)]
    if key is None:
        return [] if base in allowed else [field.not_supported(at, base, sorted(allowed))]
    if base not in ("metadata.annotations", "metadata.labels"):
        return [field.invalid(path, base, "does not support subscript")]
    key = key.lower() if base == "metadata.annotations" else key
    return field.all_invalid(path, key, names.qualified_name(key))


def _split(text: str) -> tuple[str, str | None]:
    """The two parts of `field['key']`."""
    base, subscript, key = text.removesuffix("']").partition("['")
    return (base, key) if text.endswith("']") and subscript and base else (text, None)


def check_resource_ref(ref: ResourceFieldSelector, path: Path, *, volume: bool) -> Errors:
    """A reference to a container's limit or request; in a volume it must name the container."""
    errors: Errors = []
    if volume and not ref.containerName:
        errors.append(field.required(path.child("containerName")))
    elif not ref.resource:
        errors.append(field.required(path.child("resource")))
    elif ref.resource not in _RESOURCES and not ref.resource.startswith(_HUGE_PAGES):
        errors.append(field.not_supported(path.child("resource"), ref.resource, _RESOURCES))
    return errors + _check_divisor(ref, path.child("divisor"))


def _check_divisor(ref: ResourceFieldSelector, path: Path) -> Errors:
    if ref.divisor is None or quantity.nano(ref.divisor) == 0:
        return []
    if ref.resource not in _RESOURCES and not ref.resource.startswith(_HUGE_PAGES):
        return []
    kind = ref.resource.partition(".")[2]
    divisor = quantity.canonical(ref.divisor)
    if kind == "cpu":
        detail = "only divisor's values 1m and 1 are supported with the cpu resource"
        return [] if divisor in ("1m", "1") else [field.invalid(path, ref.resource, detail)]
    if divisor in _BYTE_UNITS:
        return []
    what = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(kind, "hugepages")
    detail = f"only divisor's values {', '.join(_BYTE_UNITS)} are supported with the {what} resource"
    return [field.invalid(path, ref.resource, detail)]
