"""What is wrong with an APIService, and what the server itself says of a new one: that what it serves is available."""

from __future__ import annotations

from typing import NamedTuple

from steersman.api import field, names
from steersman.api.field import Errors, Path, quote
from steersman.kinds.types.apiregistration_v1 import APIService, APIServiceCondition, APIServiceSpec

AVAILABLE = "Available"
_STATUSES = ("True", "False", "Unknown")
_MAX_GROUP_PRIORITY = 20_000
_MAX_VERSION_PRIORITY = 1_000


class Availability(NamedTuple):
    """What the condition Available says, without its time."""

    status: str
    reason: str
    message: str


LOCAL = Availability("True", "Local", "Local APIServices are always available")


def find(obj: APIService) -> APIServiceCondition | None:
    return next((c for c in obj.status.conditions or () if c.type == AVAILABLE), None)


def is_available(obj: APIService) -> bool:
    found = find(obj)
    return found is not None and found.status == "True"


def says(obj: APIService, wanted: Availability) -> bool:
    """Whether the condition is just that."""
    found = find(obj)
    return found is not None and (found.status, found.reason, found.message) == wanted


def tell(obj: APIService, wanted: Availability, now: str) -> None:
    """Put the condition into the status, in place; its time changes with its status only."""
    found = find(obj)
    if found is None:
        found = APIServiceCondition(type=AVAILABLE)
        obj.status.conditions = [*(obj.status.conditions or ()), found]
    if found.status != wanted.status:
        found.lastTransitionTime = now
    found.status, found.reason, found.message = wanted


def on_create(obj: APIService) -> None:
    if obj.spec.service is None:
        tell(obj, LOCAL, obj.metadata.creationTimestamp)


def on_status_update(obj: APIService, old: APIService) -> None:
    """Of the metadata, nothing is taken from a new status."""
    obj.metadata.labels, obj.metadata.annotations = old.metadata.labels, old.metadata.annotations


def validate(obj: APIService) -> Errors:
    spec, path = obj.spec, Path("spec")
    errors: Errors = []
    wanted = f"{spec.version}.{spec.group}"
    if obj.metadata.name and obj.metadata.name != wanted and not names.path_segment(obj.metadata.name):
        why = f'must be `spec.version+"."+spec.group`: {quote(wanted)}'
        errors.append(field.invalid(Path("metadata", "name"), obj.metadata.name, why))
    if not spec.group and spec.version != "v1":
        errors.append(
            field.required(path.child("group"), "only v1 may have an empty group and it better be legacy kube")
        )
    if spec.group:
        errors += field.all_invalid(path.child("group"), spec.group, names.dns1123_subdomain(spec.group))
    errors += field.all_invalid(path.child("version"), spec.version, names.dns1035_label(spec.version))
    errors += _in_range(path.child("groupPriorityMinimum"), spec.groupPriorityMinimum, _MAX_GROUP_PRIORITY)
    errors += _in_range(path.child("versionPriority"), spec.versionPriority, _MAX_VERSION_PRIORITY)
    return [*errors, *(_local(spec, path) if spec.service is None else _remote(spec, path))]


def _in_range(path: Path, value: int, most: int) -> Errors:
    if 0 < value <= most:
        return []
    return [field.invalid(path, value, f"must be positive and less than {most}")]


def _local(spec: APIServiceSpec, path: Path) -> Errors:
    errors: Errors = []
    if spec.caBundle:
        size = len(spec.caBundle.rstrip("=")) * 3 // 4
        why = "local APIServices may not have a caBundle"
        errors.append(field.invalid(path.child("caBundle"), f"{size} bytes", why))
    if spec.insecureSkipTLSVerify:
        why = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(field.invalid(path.child("insecureSkipTLSVerify"), True, why))
    return errors


def _remote(spec: APIServiceSpec, path: Path) -> Errors:
    service, at = spec.service, path.child("service")
    errors: Errors = []
    if service is None:
        return errors
    if not service.namespace:
        errors.append(field.required(at.child("namespace")))
    if not service.name:
        errors.append(field.required(at.child("name")))
    if messages := names.port_number(service.port or 0):
        why = f"port is not valid: {', '.join(messages)}"
        errors.append(field.invalid(at.child("port"), service.port or 0, why))
    if spec.insecureSkipTLSVerify and spec.caBundle:
        why = "may not be true if caBundle is present"
        errors.append(field.invalid(path.child("insecureSkipTLSVerify"), True, why))
    return errors


def validate_status(obj: APIService) -> Errors:
    errors: Errors = []
    for index, found in enumerate(obj.status.conditions or ()):
        if found.status not in _STATUSES:
            at = Path("status", "conditions").index(index).child("status")
            errors.append(field.not_supported(at, found.status, _STATUSES))
    return errors
