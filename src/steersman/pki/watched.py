"""What is made of files that others replace while we run: certificates, keys, kubeconfigs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Stamp = tuple[tuple[int, int, int] | None, ...]

log = logging.getLogger(__name__)


def stamp(paths: Iterable[Path | str]) -> Stamp:
    """Differs when one of the files is another than before, or written since; None stands for one that is not there."""
    return tuple(map(_of_file, paths))


def _of_file(path: Path | str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watched(Generic[T]):
    """`current` is made of files. `look` makes it anew when they have changed, and says whether it did.

    What cannot be made (a certificate whose key is not written yet, say) is logged, and what was there before stays; it is
    tried again once the files have changed once more. The first time, `make` may raise.
    """

    def __init__(self, make: Callable[[], T], files: Callable[[], Iterable[Path | str]]) -> None:
        """`files` says which files `make` reads; it is asked again each time, for one may name others."""
        self._make, self._files = make, files
        self._seen = stamp(files())
        self.current = make()

    def look(self) -> bool:
        try:
            found = stamp(self._files())
            if found == self._seen or None in found:
                # Who replaces a file may take it away first.
                return False
            self._seen = found
            self.current = self._make()
        except (OSError, ValueError) as error:
            log.error("what was read before stays in force: %s", error)
            return False
        log.info("%s read again", ", ".join(str(file) for file in self._files()))
        return True
