"""The readiness protocol of systemd (`NOTIFY_SOCKET`): a part says READY=1, whoever started it learns it. Standard library only."""

from __future__ import annotations

import os
import socket
import struct

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


def listen() -> tuple[socket.socket, str]:
    """A socket for notifications and the value of NOTIFY_SOCKET that reaches it.

    The name is abstract and random: no path that could be too long or be left behind. Senders are known by the pid
    that the kernel attests.
    """
    name = f"steersman-{os.urandom(8).hex()}"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    server.bind("\0" + name)
    server.setblocking(False)
    return server, "@" + name


def receive(server: socket.socket) -> tuple[int, bool] | None:
    """The pid of the next sender and whether it says it is ready; None when nothing is waiting."""
    try:
        data, ancillary, _, _ = server.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
    except BlockingIOError:
        return None
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return _CREDENTIALS.unpack(value[: _CREDENTIALS.size])[0], b"READY=1" in data.splitlines()
    return 0, False


def ready() -> None:
    """Tell whoever started this process that it is usable. Without a supervisor nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        try:
            client.sendto(b"READY=1\n", "\0" + address[1:] if address.startswith("@") else address)
        except (ConnectionRefusedError, FileNotFoundError):
            # The supervisor died since; the one that adopts this part takes it for ready.
            return
