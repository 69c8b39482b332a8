"""Warnings of the ports of a pod's containers: said twice, or so that nobody knows which one is meant.

Pods may have any number of ports: those that can be in each other's way are found by what they have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from steersman.api import field
from steersman.api.field import Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ContainerPort

Containers = list[tuple[Any, Path]]
"""Containers, each with its path."""


def overlaps(containers: Containers) -> Iterator[str]:
    """Ports that have the number and the protocol of another."""
    known: dict[tuple[int, str], _Taken] = {}
    for port, at in _ports(containers):
        host_port = port.hostPort or 0
        if port.hostIP and not host_port:
            yield f"{at}: hostIP set without hostPort: {_shown(port)}"
        taken = known.setdefault((port.containerPort, port.protocol), _Taken())
        for other in taken.rivals(host_port, port.hostIP):
            yield f"{at}: {_relation(port, other[1])} port definition with {other[2]}"
        taken.add(port, at)


def names(containers: Containers) -> Iterator[str]:
    """Ports that have the name of another, in whichever container."""
    known: dict[str, Path] = {}
    for port, at in _ports(containers):
        first = known.setdefault(port.name, at) if port.name else at
        if first is not at:
            name = field.quote(port.name)
            yield (
                f"{at}: duplicate port name {name} with {first}, "
                f"services and probes that select ports by name will use {first}"
            )


_Entry = tuple[int, "ContainerPort", Path]


class _Taken:
    """The ports of one number and protocol, by where they are on the host."""

    def __init__(self) -> None:
        self._all: list[_Entry] = []
        self._on_host: dict[int, list[_Entry]] = {}
        self._at: dict[tuple[int, str], list[_Entry]] = {}

    def add(self, port: ContainerPort, path: Path) -> None:
        entry = (len(self._all), port, path)
        host_port = port.hostPort or 0
        self._all.append(entry)
        self._on_host.setdefault(host_port, []).append(entry)
        self._at.setdefault((host_port, port.hostIP), []).append(entry)

    def rivals(self, host_port: int, host_ip: str) -> Iterable[_Entry]:
        """Those of which something is to be said, in their order: of a port that is anywhere on the host, all."""
        if not host_port:
            return self._all
        if not self._all:
            return ()
        if host_ip:
            same = [*self._at.get((host_port, host_ip), ()), *self._at.get((host_port, ""), ())]
        else:
            same = self._on_host.get(host_port, [])
        return sorted([*same, *self._on_host.get(0, ())], key=lambda entry: entry[0])


def _relation(port: ContainerPort, other: ContainerPort) -> str:
    mine, theirs = port.hostPort or 0, other.hostPort or 0
    if (mine, port.hostIP) == (theirs, other.hostIP):
        return "duplicate"
    return "dangerously ambiguous" if mine and theirs else "overlapping"


def _ports(containers: Containers) -> Iterator[tuple[ContainerPort, Path]]:
    for container, path in containers:
        at = path.child("ports")
        for i, port in enumerate(container.ports or ()):
            yield port, at.index(i)


def _shown(port: ContainerPort) -> str:
    """A port as Go prints it."""
    return (
        f"{{Name:{port.name} HostPort:{port.hostPort or 0} ContainerPort:{port.containerPort} "
        f"Protocol:{port.protocol} HostIP:{port.hostIP}}}"
    )
