"""Whether a controller's informers have seen what it wrote itself, so that it never acts twice on the same gap."""

from __future__ import annotations

from typing import Any

from steersman.client.informer import Informer

# How soon a reconcile that came too early is tried again, should no event call it before; seconds.
SOON = 0.1


class Writes:
    """Remembers, per key, the newest write into each informer's collection.

    A controller that created a pod and reconciles again before its informer shows the pod would create another. So it
    records every write with the resourceVersion it was answered with, and does nothing for the key until `seen`.
    Resource versions come from one counter and are compared as numbers.
    """

    def __init__(self) -> None:
        self._behind: dict[str, dict[Informer[Any], int]] = {}

    def wrote(self, key: str, informer: Informer[Any], version: str) -> None:
        """`informer`'s collection was changed for the sake of `key`; an unknown version is not waited for."""
        if not version:
            return
        behind = self._behind.setdefault(key, {})
        behind[informer] = max(int(version), behind.get(informer, 0))

    def seen(self, key: str) -> bool:
        """Whether every write for the key has arrived."""
        behind = self._behind.get(key)
        if behind is None:
            return True
        for informer, version in list(behind.items()):
            if informer.has_seen(str(version)):
                del behind[informer]
        if behind:
            return False
        del self._behind[key]
        return True

    def forget(self, key: str) -> None:
        """The object of that key is gone."""
        self._behind.pop(key, None)
