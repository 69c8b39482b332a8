"""Backends of an API server under attack: a TLS server in the test's process that does with each connection what its path asks for."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

Behaviour = Callable[["Talk"], None]
"""What a peer does once it has read the head of a request, until it returns or the connection ends."""
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
PIECE = b"x" * 65536


@dataclass
class Talk:
    """One connection of a peer. `over` is set when the test is at its end."""

    connection: socket.socket
    head: bytes
    over: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def hang(self) -> None:
        """Do nothing, and read nothing."""
        self.over.wait()

    def gush(self, piece: bytes = PIECE) -> None:
        """Send without end."""
        while not self.over.is_set():
            self.send(piece)

    def swallow(self) -> None:
        """Read whatever comes."""
        while self.connection.recv(1 << 16):
            continue


@dataclass
class Peer:
    """Use as a context. `behaviours` by what the (unescaped) first line of a request contains; the first that fits."""

    behaviours: dict[str, Behaviour]
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Peer:
        listener = self._listener = socket.create_server((self.host, 0), backlog=512)
        self.port = int(listener.getsockname()[1])
        self._start(self._accept, listener)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        if self._listener is not None:
            # Closing alone does not wake who waits for connections.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for one in tuple(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    @property
    def connected(self) -> int:
        """Connections that have not ended."""
        return len(self._open)

    def _start(self, work: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            self._open.add(taken)
            self._start(self._talk, taken)

    def _talk(self, plain: socket.socket) -> None:
        taken: socket.socket = plain
        # The other side may go at any time.
        with suppress(OSError):
            if self.tls is not None:
                taken = self.tls.wrap_socket(plain, server_side=True)
                self._open.discard(plain)
                self._open.add(taken)
            head = b""
            while b"\r\n\r\n" not in head and (data := taken.recv(1 << 16)):
                head += data
            self.heads.append(head)
            line = unquote(head.split(b"\r\n", 1)[0].decode("latin-1"))
            for what, behave in self.behaviours.items():
                if what in line:
                    behave(Talk(taken, head, self.over))
                    break
        self._open.discard(plain)
        self._open.discard(taken)
        taken.close()


def server_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def pour(connection: ssl.SSLSocket, data: bytes, *, times: int = 1, seconds: float = 0.2) -> bool:
    """Send as long as it is taken; whether all was."""
    connection.settimeout(seconds)
    try:
        for _ in range(times):
            connection.sendall(data)
    except (ConnectionError, ssl.SSLError, TimeoutError):
        return False
    return True
