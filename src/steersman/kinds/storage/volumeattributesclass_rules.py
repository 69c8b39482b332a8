"""Validation of VolumeAttributesClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.field import Errors, Path
from steersman.kinds.storage.parameters import check_driver, check_fixed, check_parameters

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import VolumeAttributesClass


def check(obj: VolumeAttributesClass) -> Errors:
    errors = check_driver(obj.driverName, Path("driverName"))
    return errors + check_parameters(obj.parameters, Path("parameters"), needed=True)


def check_update(obj: VolumeAttributesClass, old: VolumeAttributesClass) -> Errors:
    errors = check_fixed("driverName", obj.driverName, old.driverName)
    return errors + check_fixed("parameters", obj.parameters, old.parameters)
