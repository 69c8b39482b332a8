"""TCP ports held without listening: a cluster keeps its ports while a part of it restarts. Standard library only.

A held socket is bound and never listens. The part that listens, with SO_REUSEADDR as every server, can bind beside it.
So could whoever looks for a free port, who must set the same lest connections that ended a minute ago look like somebody:
a second socket, whose name says what is held, tells them.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names of Linux' abstract kind: they are seen by all processes of the network namespace, and end with their owner.
_MARK = "steersman/port/"
_NAMES = "/proc/self/net/unix"
# How often the kernel picks: it does not know of datagrams, nor of others who pick at the same time.
_PICKS = 8


class Held:
    """A held port. `close`, which the end of a with block does, gives it back."""

    def __init__(self, bound: socket.socket, mark: socket.socket) -> None:
        self._bound = bound
        self._mark = mark

    def close(self) -> None:
        self._bound.close()
        self._mark.close()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hold(address: str, port: int) -> Held | None:
    """Hold a port that is known to be ours; None when somebody listens on it."""
    bound = _bound(socket.SOCK_STREAM, address, port, beside=True)
    return Held(bound, _mark(address, port)) if bound is not None else None


def hold_free(address: str, candidates: Iterable[int]) -> tuple[Held, int]:
    """Hold the first port that nobody has, neither TCP nor UDP, nor holds; or else one that the kernel picks."""
    for port in (*candidates, *[0] * _PICKS):
        # Of ports that others are bound to without listening, the kernel would pick one, too.
        bound = _bound(socket.SOCK_STREAM, address, port, beside=port != 0)
        if bound is None:
            continue
        chosen: int = bound.getsockname()[1]
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held = Held(bound, _mark(address, chosen))
        # Looked at after ours is there: of two who come at the same time, at most one takes the port.
        if _marks(address, chosen) == 1 and _is_free_for_datagrams(address, chosen):
            return held, chosen
        held.close()
    raise OSError(f"{address} has no free port")


def _is_free_for_datagrams(address: str, port: int) -> bool:
    bound = _bound(socket.SOCK_DGRAM, address, port, beside=False)
    if bound is None:
        return False
    bound.close()
    return True


def _bound(kind: socket.SocketKind, address: str, port: int, *, beside: bool) -> socket.socket | None:
    """A bound socket, or None; `beside` those of others who allow it and do not listen, and the remains of connections."""
    unbound = socket.socket(socket.AF_INET, kind)
    try:
        if beside:
            unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        unbound.bind((address, port))
    except OSError:
        unbound.close()
        return None
    return unbound


def _mark(address: str, port: int) -> socket.socket:
    """Tell everybody that the port is held. For a handover two may hold the same: no two marks have the same name."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    mark.bind(f"\0{_MARK}{address}:{port}/{os.getpid()}/{mark.fileno()}")
    return mark


def _marks(address: str, port: int) -> int:
    """How many hold the port."""
    with open(_NAMES, errors="replace") as names:
        return sum(f" @{_MARK}{address}:{port}/" in name for name in names)
