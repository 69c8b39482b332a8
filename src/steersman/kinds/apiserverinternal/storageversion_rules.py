"""Validation of StorageVersions: what each API server says it writes and reads, and what they agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.apiserverinternal_v1alpha1 import (
        ServerStorageVersion,
        StorageVersion,
        StorageVersionStatus,
    )

_STATUS = Path("status")


def name_rule(name: str) -> names.Messages:
    """<group>.<resource>, where the core group is called core."""
    group, dot, resource = name.rpartition(".")
    if not dot:
        return ("name must be in the form of <group>.<resource>",)
    wrong = [f"the group segment {m}" for m in names.dns1123_subdomain(group)]
    return tuple(wrong + [f"the resource segment {m}" for m in names.dns1035_label(resource)])


def check(version: StorageVersion) -> Errors:
    return _check_status(version.status)


def check_status_update(version: StorageVersion, old: StorageVersion) -> Errors:
    return _check_status(version.status)


def _check_status(status: StorageVersionStatus) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, server in enumerate(status.storageVersions or ()):
        at = _STATUS.child("storageVersions").index(i)
        if server.apiServerID in seen:
            errors.append(field.duplicate(at.child("apiServerID"), server.apiServerID))
        seen.add(server.apiServerID)
        errors += _check_server(server, at)
    errors += _check_common(status)
    return errors + _check_conditions(status)


def _check_server(server: ServerStorageVersion, path: Path) -> Errors:
    encoding, decodable = server.encodingVersion, server.decodableVersions or []
    at = path.child("apiServerID")
    errors = field.all_invalid(at, server.apiServerID, names.dns1123_subdomain(server.apiServerID))
    errors += _check_version(encoding, path.child("encodingVersion"))
    for i, version in enumerate(decodable):
        errors += _check_version(version, path.child("decodableVersions").index(i))
    if encoding not in decodable:
        detail = f"decodableVersions must include encodingVersion {encoding}"
        errors.append(field.invalid(path.child("decodableVersions"), decodable, detail))
    for i, version in enumerate(server.servedVersions or ()):
        at = path.child("servedVersions").index(i)
        errors += _check_version(version, at)
        if version not in decodable:
            found = f"[{' '.join(decodable)}]"
            detail = f"individual served version : {version} must be included in decodableVersions : {found}"
            errors.append(field.invalid(at, version, detail))
    return errors


def _check_version(text: str, path: Path) -> Errors:
    """<group>/<version>, or the version alone."""
    group, slash, version = text.rpartition("/")
    wrong: list[str] = []
    if slash:
        wrong += (
            [f"group part: {m}" for m in names.dns1123_subdomain(group)] if group else ["group part: must be non-empty"]
        )
    if not version:
        wrong.append("version part: must be non-empty")
    else:
        wrong += [f"version part: {m}" for m in names.dns1035_label(version)]
    return [field.invalid(path, text, ",".join(wrong))] if wrong else []


def _check_common(status: StorageVersionStatus) -> Errors:
    """The version that all servers write, if they write the same."""
    found = {server.encodingVersion for server in status.storageVersions or ()}
    common = found.pop() if len(found) == 1 else None
    given = status.commonEncodingVersion or None
    if given == common:
        return []
    if common is None:
        detail = (
            "should be nil if servers do not agree on the same encoding version, or if there is no server reporting "
            "the supported versions yet"
        )
    else:
        detail = f"the common encoding version is {common}"
    return [field.invalid(_STATUS.child("commonEncodingVersion"), given, detail)]


def _check_conditions(status: StorageVersionStatus) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, condition in enumerate(status.conditions or ()):
        at = _STATUS.index(i)
        if condition.type in seen:
            errors.append(field.duplicate(at.child("type"), condition.type))
        seen.add(condition.type)
        for name in ("type", "status"):
            value = getattr(condition, name)
            errors += field.all_invalid(at.child(name), value, names.qualified_name(value))
        for name in ("reason", "message"):
            if not getattr(condition, name):
                errors.append(field.required(at.child(name), f"{name} cannot be empty"))
    return errors
