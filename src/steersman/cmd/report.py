"""What `steer` tells people: one line a step while it works, and tables."""

import sys
import time
from collections.abc import Sequence
from typing import TextIO


class Steps:
    """Prints ✓ and the time a step took; plain text where the terminal's encoding has no ✓."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._last = time.monotonic()
        self._begun = self._last
        self._mark = "✓" if _can_print("✓", self._stream) else "ok"

    def done(self, what: str) -> None:
        """A step is finished."""
        now = time.monotonic()
        print(f" {self._mark} {what} ({now - self._last:.1f} s)", file=self._stream, flush=True)
        self._last = now

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def total(self) -> float:
        return time.monotonic() - self._begun


class Deadline:
    """A moment after which waiting ends."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def pause(self, seconds: float) -> bool:
        """Wait a little between two looks; False when the time is over."""
        left = self.left()
        if left <= 0:
            return False
        time.sleep(min(seconds, left))
        return True


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, whose first row is the heading: each column is as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _can_print(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
