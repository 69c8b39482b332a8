"""The stored objects as authorizers look them up: as bytes, by group and plural, and without errors."""

from __future__ import annotations

from collections.abc import Sequence

from steersman.api.errors import StatusError
from steersman.apiserver.cached import Cached
from steersman.apiserver.registries import Registries


class StoredObjects:
    """What the watch caches hold."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries

    def get(self, group: str, plural: str, namespace: str, name: str) -> Cached | None:
        registry = self._registries.find(group, plural)
        if registry is None:
            return None
        try:
            return registry.cache.get(namespace, name)
        except StatusError:
            # It is stored, but cannot be decrypted: nobody is given a right because of it.
            return None

    def list(self, group: str, plural: str) -> Sequence[Cached]:
        registry = self._registries.find(group, plural)
        return registry.cache.readable() if registry is not None else ()
