"""ConfigMap: configuration that pods read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ConfigMap

KIND: Kind[ConfigMap] = Kind(
    resource=Resource("", "v1", "configmaps", "ConfigMap", True),
    short_names=("cm",),
)
