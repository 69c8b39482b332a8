"""Conversion of device claims and slices between v1, which is stored, and v1beta1, whose requests and devices are flat."""

from __future__ import annotations

from typing import Any

from steersman.kinds.kind import Plain

_OF_REQUEST = ("name", "firstAvailable")


def _requests(claim_spec: Plain) -> list[Plain]:
    found: list[Plain] = claim_spec.get("devices", {}).get("requests", [])
    return found


def _nest(claim_spec: Plain) -> None:
    for request in _requests(claim_spec):
        exact: dict[str, Any] = {k: request.pop(k) for k in list(request) if k not in _OF_REQUEST}
        if exact:
            request["exactly"] = exact


def _flatten(claim_spec: Plain) -> None:
    for request in _requests(claim_spec):
        request.update(request.pop("exactly", {}))


def claim_to_v1(plain: Plain) -> None:
    _nest(plain.get("spec", {}))


def claim_from_v1(plain: Plain) -> None:
    _flatten(plain.get("spec", {}))


def template_to_v1(plain: Plain) -> None:
    _nest(plain.get("spec", {}).get("spec", {}))


def template_from_v1(plain: Plain) -> None:
    _flatten(plain.get("spec", {}).get("spec", {}))


def slice_to_v1(plain: Plain) -> None:
    for device in plain.get("spec", {}).get("devices", []):
        device.update(device.pop("basic", {}))


def slice_from_v1(plain: Plain) -> None:
    for device in plain.get("spec", {}).get("devices", []):
        basic = {k: device.pop(k) for k in list(device) if k != "name"}
        device["basic"] = basic
