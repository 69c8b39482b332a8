"""Who among the mutating has been asked in the first round, and who must be asked once more because of what changed since."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class Rounds(Generic[K]):
    """`last` is the object as the last of them left it, encoded."""

    done: set[K] = field(default_factory=set)
    due: set[K] = field(default_factory=set)
    last: bytes = b""

    def changed(self) -> None:
        self.due |= self.done
        self.done = set()
