"""The control socket: one JSON object a line in, one out. The server's half runs in the supervisor's loop.

Standard library only. Paths may be longer than a socket address allows (108 bytes): both sides go through the
directory's descriptor.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAX_REQUEST = 65536


class ControlError(Exception):
    """Nobody listens, or the answer says no."""


@contextlib.contextmanager
def short_name(path: str) -> Iterator[str]:
    """A name of `path` that fits into a socket address."""
    directory, name = os.path.split(path)
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{name}"
    finally:
        os.close(fd)


def listen(path: str) -> socket.socket:
    """A listening socket only its owner may use; replaces one left behind. The caller holds the supervisor's lock."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with short_name(path) as address:
            server.bind(address)
    finally:
        os.umask(mask)
    server.listen(16)
    server.setblocking(False)
    return server


class Connection:
    """A client of the supervisor: bytes gathered until a whole request is there."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self._buffer = b""
        accepted.setblocking(False)

    def read(self) -> dict[str, Any] | None:
        """The request, or None while it is incomplete. Raises ControlError when the client left or talks nonsense."""
        try:
            data = self.socket.recv(MAX_REQUEST)
        except BlockingIOError:
            return None
        except OSError as error:
            raise ControlError(str(error)) from error
        self._buffer += data
        if b"\n" not in self._buffer:
            if not data or len(self._buffer) >= MAX_REQUEST:
                raise ControlError("no whole request")
            return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            request = json.loads(line)
        except ValueError as error:
            raise ControlError(str(error)) from error
        if not isinstance(request, dict):
            raise ControlError("a request is an object")
        return request

    def answer(self, reply: dict[str, Any]) -> None:
        """Write one reply. A client that does not read loses it: answers are small, the socket's buffer takes them."""
        with contextlib.suppress(OSError):
            self.socket.sendall(json.dumps(reply).encode() + b"\n")

    def close(self) -> None:
        self.socket.close()


def call(path: str, request: dict[str, Any], timeout: float | None = 30.0) -> dict[str, Any]:
    """Ask the supervisor that listens at `path`; blocks for up to `timeout` seconds. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            with short_name(path) as address:
                client.connect(address)
            client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as answers:
                line = answers.readline()
    except OSError as error:
        raise ControlError(f"the supervisor does not answer: {error}") from error
    if not line:
        raise ControlError("the supervisor ended without an answer")
    reply: dict[str, Any] = json.loads(line)
    if "error" in reply:
        raise ControlError(reply["error"])
    return reply
