"""Validation of what classes of storage have in common: whose driver they are for, and its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.api import field, names
from steersman.api.field import Errors, Path

_MAX_SIZE = 256 * 1024
_MAX_COUNT = 512


def check_driver(name: str, path: Path) -> Errors:
    if not name:
        return [field.required(path)]
    return field.all_invalid(path, name, names.qualified_name(name.lower()))


def check_parameters(parameters: Mapping[str, str] | None, path: Path, *, needed: bool = False) -> Errors:
    """Parameters are the driver's business; only their number and size are limited."""
    given = parameters or {}
    if len(given) > _MAX_COUNT:
        return [field.too_long(path, _MAX_COUNT)]
    errors: Errors = [field.invalid(path, key, "field can not be empty.") for key in given if not key]
    if sum(len(k.encode()) + len(v.encode()) for k, v in given.items()) > _MAX_SIZE:
        errors.append(field.too_long(path, _MAX_SIZE))
    if needed and not given:
        errors.append(field.required(path, "must contain at least one key/value pair"))
    return errors


def check_fixed(name: str, new: object, old: object) -> Errors:
    """A field that an update must leave alone."""
    if field.same(new, old):
        return []
    return [field.forbidden(Path(name), f"updates to {name} are forbidden.")]
