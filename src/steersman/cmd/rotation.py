"""Keeping logs below a size: the content moves to FILE.1 and the file is emptied in place.

Emptied rather than renamed, because the writing process holds the file open (in append mode) and outlives us.
"""

from __future__ import annotations

import os

MAX_BYTES = 10 * 1024 * 1024
KEEP = 2
_CHUNK = 1024 * 1024


def rotate(path: str, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> bool:
    """Rotate one log if it is over `max_bytes`; returns whether it was. Keeps FILE.1 … FILE.<keep>.

    A line written between the last read and the truncation is lost; the copy runs until it has caught up, so the gap
    is a few microseconds.
    """
    try:
        if os.stat(path).st_size <= max_bytes:
            return False
    except FileNotFoundError:
        return False
    for number in range(keep - 1, 0, -1):
        if os.path.exists(f"{path}.{number}"):
            os.replace(f"{path}.{number}", f"{path}.{number + 1}")
    with open(path, "rb+") as log, open(f"{path}.1", "wb") as old:
        os.fchmod(old.fileno(), 0o600)
        while chunk := log.read(_CHUNK):
            old.write(chunk)
        log.truncate(0)
    return True
