"""NodePorts: no two pods of a node may ask for the same host port; 0.0.0.0 overlaps every address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from steersman.scheduler.framework import Failure, Plugin
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import HostPort, PodInfo

_ANY = "0.0.0.0"


def conflict(wanted: Iterable[HostPort], used: Iterable[HostPort]) -> bool:
    used = list(used)
    return any(
        port == other_port and protocol == other_protocol and (ip == other_ip or _ANY in (ip, other_ip))
        for ip, protocol, port in wanted
        for other_ip, other_protocol, other_port in used
    )


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    if not pod.host_ports or not table.host_ports:
        return ()
    out = np.zeros(len(table.valid), bool)
    for row, used in table.host_ports.items():
        out[row] = conflict(pod.host_ports, used)
    return (Failure("node(s) didn't have free ports for the requested pod ports", out),)


PLUGIN = Plugin("NodePorts", order=50, filter=_filter)
