"""Validation of IPAddresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IPAddress

_PARENT = Path("spec", "parentRef")


def check_new(obj: IPAddress) -> Errors:
    parent = obj.spec.parentRef
    if parent is None:
        return [field.required(_PARENT)]
    # The core group, that of Services, is the empty one.
    errors = (
        field.all_invalid(_PARENT.child("group"), parent.group, names.dns1123_subdomain(parent.group))
        if parent.group
        else []
    )
    for name in ("resource", "name", "namespace"):
        value, at = getattr(parent, name), _PARENT.child(name)
        if value:
            errors += field.all_invalid(at, value, names.path_segment(value))
        elif name != "namespace":
            errors.append(field.required(at))
    return errors


def check_update(obj: IPAddress, old: IPAddress) -> Errors:
    return field.immutable(_PARENT, obj.spec.parentRef, old.spec.parentRef)
