"""Validation of CSINodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.reference_validation import check_driver_name

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSINode, CSINodeDriver

_MAX_NODE_ID = 192
_DRIVERS = Path("spec", "drivers")


def check(obj: CSINode) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, driver in enumerate(obj.spec.drivers):
        at = _DRIVERS.index(i)
        errors += _check_driver(driver, at)
        if driver.name in seen:
            errors.append(field.duplicate(at.child("name"), driver.name))
        seen.add(driver.name)
    return errors


def _check_driver(driver: CSINodeDriver, path: Path) -> Errors:
    errors = check_driver_name(driver.name, path.child("name"))
    if not driver.nodeID:
        errors.append(field.required(path.child("nodeID")))
    if len(driver.nodeID) > _MAX_NODE_ID:
        detail = f"must be {_MAX_NODE_ID} characters or less"
        errors.append(field.invalid(path.child("nodeID"), driver.nodeID, detail))
    if driver.allocatable is not None:
        errors += field.not_negative(path.child("allocatable", "count"), driver.allocatable.count)
    keys = driver.topologyKeys or []
    repeated = frozenset(field.repeated(keys))
    for i, key in enumerate(keys):
        if not key:
            errors.append(field.required(path))
        if i in repeated:
            errors.append(field.duplicate(path, key))
        errors += field.all_invalid(path, key, names.qualified_name(key))
    return errors


def check_update(obj: CSINode, old: CSINode) -> Errors:
    """A driver on a node stays what it is, but for how many volumes it takes."""
    before = {d.name: structs.replace(d, allocatable=None) for d in old.spec.drivers}
    errors: Errors = []
    for driver in obj.spec.drivers:
        if driver.name in before:
            errors += field.immutable(_DRIVERS, structs.replace(driver, allocatable=None), before[driver.name])
    return errors
