"""A configuration at work: what there is of it without the providers' libraries, which only those load who have such."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from steersman.apiserver.encryption.plugin import Service
from steersman.apiserver.encryption.table import Table

if TYPE_CHECKING:
    from steersman.apiserver.encryption.kms import KMSProvider

Dial = Callable[[str, float], Service]
"""The plugin behind an endpoint, and the seconds a call of it may take."""

HEALTHY_SECONDS = 60.0
"""Between two looks at a plugin that is well."""
UNHEALTHY_SECONDS = 10.0


class Built:
    """What was made of a configuration; `digest` tells it from others. `close` hangs up on its plugins."""

    def __init__(self, table: Table, plugins: Mapping[str, KMSProvider] | None = None, digest: str = "") -> None:
        self.table = table
        self.plugins = tuple((plugins or {}).values())
        self.digest = digest

    def close(self) -> None:
        for plugin in self.plugins:
            plugin.close()


NOTHING = Built(Table({}))
"""What is in force without a configuration: values are stored as they are."""


@lru_cache(maxsize=256)
def key_hash(key_id: str) -> str:
    """How a key's id is shown: ids may say more than everybody should know."""
    return f"sha256:{hashlib.sha256(key_id.encode()).hexdigest()}" if key_id else ""
