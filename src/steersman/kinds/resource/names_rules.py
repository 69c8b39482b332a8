"""Validation of the names in device allocation: pools, attributes, shares, and driver parameters as JSON."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.reference_validation import check_driver_name

_MAX_POOL = 253
_MAX_ID = 32
MAX_KEY = 63 + 1 + _MAX_ID
PARAMETERS_LIMIT = 10 * 1024
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SHAPE = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"


def check_label(name: str, path: Path) -> Errors:
    """The name of a device, a request or a counter."""
    return field.all_invalid(path, name, names.dns1123_label(name))


def check_label_key(name: str, path: Path) -> Errors:
    """The key of a taint, or the type of a condition."""
    return field.all_invalid(path, name, names.qualified_name(name))


def check_class_name(name: str, path: Path) -> Errors:
    if not name:
        return [field.required(path)]
    return field.all_invalid(path, name, names.dns1123_subdomain(name))


def check_pool_name(name: str, path: Path) -> Errors:
    if not name:
        return [field.required(path)]
    errors: Errors = [field.too_long(path, _MAX_POOL)] if len(name) > _MAX_POOL else []
    for part in name.split("/"):
        errors += field.all_invalid(path, part, names.dns1123_subdomain(part))
    return errors


def check_share(uid: str, path: Path) -> Errors:
    if not _UUID.fullmatch(uid):
        return [field.invalid(path, uid, f"error validating uid: invalid UUID length: {len(uid)}")]
    if uid != uid.lower():
        detail = f"uid must be in RFC 4122 normalized form, `{_SHAPE}` with lowercase hexadecimal characters"
        return [field.invalid(path, uid, detail)]
    return []


def check_qualified(name: str, path: Path) -> Errors:
    """The name of an attribute or capacity, with or without a domain."""
    parts = name.split("/")
    if len(parts) == 1:
        return _check_identifier(name, path)
    if len(parts) > 2:
        return [field.invalid(path, name, "must not contain more than one slash")]
    domain, own = parts
    errors = check_driver_name(domain, path) if domain else [field.invalid(path, "", "the domain must not be empty")]
    return errors + (_check_identifier(own, path) if own else [field.invalid(path, "", "the name must not be empty")])


def check_fully_qualified(name: str, path: Path) -> Errors:
    errors = check_qualified(name, path)
    if "/" not in name:
        detail = "a fully qualified name must be a domain and a name separated by a slash"
        errors.append(field.invalid(path, name, detail))
    return errors


def _check_identifier(text: str, path: Path) -> Errors:
    errors: Errors = [field.too_long(path, _MAX_ID)] if len(text) > _MAX_ID else []
    return errors + field.all_invalid(path, text, names.c_identifier(text))


def check_parameters(value: Any, path: Path) -> Errors:
    """An object of the driver's own making; its size is that of compact JSON."""
    if value is None:
        return [field.required(path)]
    if len(msgspec.json.encode(value)) > PARAMETERS_LIMIT:
        return [field.too_long(path, PARAMETERS_LIMIT)]
    return [] if isinstance(value, dict) else [field.invalid(path, "<value omitted>", "must be a valid JSON object")]
