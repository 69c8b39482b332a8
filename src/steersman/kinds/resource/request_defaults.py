"""Defaults of the device requests in claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import DeviceSubRequest, ExactDeviceRequest, ResourceClaimSpec


def default_claim_spec(spec: ResourceClaimSpec) -> None:
    for request in (spec.devices.requests if spec.devices else None) or ():
        for wanted in (request.exactly, *(request.firstAvailable or ())):
            if wanted is not None:
                _default_request(wanted)


def _default_request(request: ExactDeviceRequest | DeviceSubRequest) -> None:
    request.allocationMode = request.allocationMode or "ExactCount"
    if request.allocationMode == "ExactCount":
        request.count = request.count or 1
    for toleration in request.tolerations or ():
        toleration.operator = toleration.operator or "Equal"
