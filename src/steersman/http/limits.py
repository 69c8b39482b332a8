"""What one client may ask of a server: sizes, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BODY = 3 * 1024 * 1024
MAX_HELD = 12 * 1024 * 1024
"""Bytes of all that connections keep: answers that clients are slow to take, requests that are not complete, buffers."""
MAX_LINE = 1024 * 1024
"""Bytes of a request line."""
MAX_FIELD = 64 * 1024
"""Bytes of one header field."""
MAX_FIELDS = 256
"""Header fields of one request."""
MAX_BLOCK = 1024 * 1024
"""Bytes of all header fields of one request."""
MAX_CHUNK_LINE = 256
"""Bytes of the line before a chunk, with its extensions."""
MAX_TRAILERS = 8 * 1024
"""Bytes of all that follows the last chunk."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. They are kept to within a quarter of the least of them, or within five seconds."""

    handshake: float = 10.0
    """From the first byte of a connection to the end of its TLS handshake."""
    idle: float = 75.0
    """Until the next request begins."""
    head: float = 32.0
    """From the first byte of a request's head to its last."""
    body: float = 60.0
    """From the end of the head to that of the body; bodies that are streamed take as long as they like."""
    answer: float = 60.0
    """For which a client may take nothing of an answer that is there as a whole; streamed ones wait as long as they like."""
    linger: float = 1.0
    """For which what a client still sends is read after the last answer, so that the answer is not lost."""

    @property
    def interval(self) -> float:
        """How often connections are looked at."""
        return min(5.0, self.idle / 4, self.head / 4, self.body / 4, self.answer / 4)


class Malformed(Exception):
    """What a client has sent is no request. `status` is the answer; the connection is of no more use."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status
