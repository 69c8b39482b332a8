"""Validation of StorageVersionMigrations: what is migrated stays, and how it ended stays too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds import condition_rules

if TYPE_CHECKING:
    from steersman.kinds.types.storagemigration_v1 import StorageVersionMigration

_STATUS = Path("status")


def check(migration: StorageVersionMigration) -> Errors:
    if migration.spec.resource.resource:
        return []
    return [field.required(Path("spec", "resource", "resource"), "resource is required")]


def check_update(migration: StorageVersionMigration, old: StorageVersionMigration) -> Errors:
    new, before = migration.spec.resource, old.spec.resource
    return [
        error
        for name in ("group", "resource")
        for error in field.immutable(Path(name), getattr(new, name), getattr(before, name))
    ]


def check_status_update(migration: StorageVersionMigration, old: StorageVersionMigration) -> Errors:
    status, before = migration.status, old.status
    at = _STATUS.child("conditions")
    errors = condition_rules.check(status.conditions, at)
    version = status.resourceVersion
    if version and not (version.isascii() and version.isdecimal()):
        errors.append(
            field.invalid(_STATUS.child("resourceVersion"), version, "resource version must be a decimal integer")
        )
    if before.resourceVersion:
        errors += field.immutable(_STATUS.child("resourceVersion"), version, before.resourceVersion)
    now, then = _true(migration), _true(old)
    for wrong, detail in (
        ({"Succeeded", "Failed"} <= now, "Both success and failed conditions cannot be true at the same time"),
        ({"Succeeded", "Running"} <= now, "Running condition cannot be true when success condition is true"),
        ({"Failed", "Running"} <= now, "Running condition cannot be true when failed condition is true"),
        ("Succeeded" in then - now, "Success condition cannot be set to false once it is true"),
        ("Failed" in then - now, "Failed condition cannot be set to false once it is true"),
    ):
        if wrong:
            errors.append(field.invalid(at, status.conditions, detail))
    return errors


def _true(migration: StorageVersionMigration) -> set[str]:
    return {c.type for c in migration.status.conditions or () if c.status == "True"}
