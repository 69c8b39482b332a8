"""TCP ports held without listening: a cluster keeps its ports while a part of it restarts. Standard library only.

A held socket is bound and never listens. The part that listens, with SO_REUSEADDR as every server, can bind beside it;
who looks for a free port sees it taken.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def hold(address: str, port: int) -> socket.socket | None:
    """Hold a port that is known to be ours; None when somebody listens on it."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return _bound(held, address, port)


def hold_free(address: str, candidates: Iterable[int]) -> tuple[socket.socket, int]:
    """Hold the first port that nobody has, neither TCP nor UDP, nor holds; or else one that the kernel picks."""
    for port in (*candidates, 0):
        held = _bound(socket.socket(socket.AF_INET, socket.SOCK_STREAM), address, port)
        if held is None:
            continue
        chosen: int = held.getsockname()[1]
        datagrams = _bound(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), address, chosen)
        if datagrams is None:
            held.close()
            continue
        datagrams.close()
        # Only now: set before binding, the port of another who holds it would have looked free.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return held, chosen
    raise OSError(f"{address} has no free port")


def _bound(unbound: socket.socket, address: str, port: int) -> socket.socket | None:
    try:
        unbound.bind((address, port))
    except OSError:
        unbound.close()
        return None
    return unbound
