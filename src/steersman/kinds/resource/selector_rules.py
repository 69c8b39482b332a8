"""Validation of the expressions that choose devices, and of what drivers are told about those that were chosen."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.core.reference_validation import check_driver_name
from steersman.kinds.resource.bounded import check_list
from steersman.kinds.resource.names_rules import check_parameters

if TYPE_CHECKING:
    from steersman.cel import Env
    from steersman.kinds.types.resource_v1 import DeviceSelector, OpaqueDeviceConfiguration

_MAX_SELECTORS = 32
_MAX_EXPRESSION = 10 * 1024


@lru_cache(maxsize=1)
def _environment() -> Env:
    from steersman.cel import BOOL, DYN, EVERYTHING, STRING, Env, map_of
    from steersman.cel.library.quantity import QUANTITY_TYPE
    from steersman.cel.types import Field, object_of

    fields = {
        "driver": STRING,
        "attributes": map_of(STRING, map_of(STRING, DYN)),
        "capacity": map_of(STRING, map_of(STRING, QUANTITY_TYPE)),
        "allowMultipleAllocations": BOOL,
    }
    return Env({"device": object_of("kubernetes.DRADevice", {n: Field(t, n) for n, t in fields.items()})}, EVERYTHING)


@lru_cache(maxsize=512)
def _problem(expression: str, *, chooses: bool) -> str:
    """What keeps an expression from being used, or nothing. One that chooses a device says yes or no."""
    from steersman.cel import BOOL, DYN, CompileError

    try:
        result = _environment().compile(expression).result
    except CompileError as error:
        return f"compilation failed: {error}" if error.issues else str(error)
    if chooses and result not in (BOOL, DYN):
        return f"must evaluate to bool or the unknown type, not {result}"
    return ""


def check_selectors(selectors: list[DeviceSelector] | None, path: Path) -> Errors:
    return check_list(selectors, _MAX_SELECTORS, _check_selector, path)


def _check_selector(selector: DeviceSelector, path: Path) -> Errors:
    if selector.cel is None:
        return [field.required(path.child("cel"))]
    return check_expression(selector.cel.expression, path.child("cel", "expression"), chooses=True)


def check_expression(expression: str, path: Path, *, chooses: bool) -> Errors:
    if len(expression.encode()) > _MAX_EXPRESSION:
        return [field.too_long(path, _MAX_EXPRESSION)]
    problem = _problem(expression, chooses=chooses)
    return [field.invalid(path, expression, problem)] if problem else []


def check_configuration(config: Any, path: Path) -> Errors:
    """What a driver is told; it has the one form there is."""
    opaque: OpaqueDeviceConfiguration | None = config.opaque
    at = path.child("opaque")
    if opaque is None:
        return [field.required(at)]
    return check_driver_name(opaque.driver, at.child("driver")) + check_parameters(
        opaque.parameters, at.child("parameters")
    )
