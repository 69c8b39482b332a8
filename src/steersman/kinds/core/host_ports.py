"""The ports of its node that a pod asks for, and which of them two pods cannot have together."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod

HostPort = tuple[str, str, int]
"""Address, protocol and number."""
_EVERY = "0.0.0.0"


def of(pod: Pod) -> frozenset[HostPort]:
    """What its containers and sidecars ask for as long as it runs."""
    sidecars = (c for c in pod.spec.initContainers or () if c.restartPolicy == "Always")
    return frozenset(
        (port.hostIP or _EVERY, port.protocol or "TCP", port.hostPort)
        for container in (*pod.spec.containers, *sidecars)
        for port in container.ports or ()
        if port.hostPort
    )


def conflict(wanted: Iterable[HostPort], used: Collection[HostPort]) -> bool:
    """Whether a port is wanted that is in use; an address of 0.0.0.0 is every one."""
    return any(
        port == other_port and protocol == other_protocol and (ip == other_ip or _EVERY in (ip, other_ip))
        for ip, protocol, port in wanted
        for other_ip, other_protocol, other_port in used
    )
