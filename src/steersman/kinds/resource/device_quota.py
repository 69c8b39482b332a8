"""How many devices of each class a ResourceClaim may take, at worst, for the quotas of its namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import DeviceRequest, DeviceSubRequest, ExactDeviceRequest, ResourceClaim

SUFFIX = ".deviceclass.resource.k8s.io/devices"
# As many as one claim can be given.
_ALL = 32


def usage(claim: ResourceClaim) -> dict[str, int]:
    """Devices by the names that quotas know."""
    used: dict[str, int] = {}
    for request in claim.spec.devices.requests or () if claim.spec.devices is not None else ():
        for name, count in _of(request):
            used[name] = used.get(name, 0) + count
    return used


def _of(request: DeviceRequest) -> Iterator[tuple[str, int]]:
    if not request.firstAvailable:
        if request.exactly is not None:
            yield f"{request.exactly.deviceClassName}{SUFFIX}", _count(request.exactly)
        return
    # Only one of the alternatives comes true.
    most: dict[str, int] = {}
    for one in request.firstAvailable:
        name = f"{one.deviceClassName}{SUFFIX}"
        most[name] = max(most.get(name, 0), _count(one))
    yield from most.items()


def _count(request: ExactDeviceRequest | DeviceSubRequest) -> int:
    match request.allocationMode:
        case "ExactCount":
            return request.count or 0
        case "All":
            return _ALL
    return 0
