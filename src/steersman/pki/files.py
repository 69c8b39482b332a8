"""Files that are whole or absent: written beside their place, synced, and renamed into it."""

import os
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_atomic(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Replace `path` by `data`; a crash leaves the old file or the new one. Makes missing parents (0700)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def wish(file: Path) -> Path:
    """The file that somebody makes who wants another certificate in the place of this one; it goes when there is one."""
    return file.with_suffix(".renew")
