"""Secret: confidential data that pods read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Secret

KIND: Kind[Secret] = Kind(
    resource=Resource("", "v1", "secrets", "Secret", True),
)
