"""ServiceAccount: an identity for pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ServiceAccount

KIND: Kind[ServiceAccount] = Kind(
    resource=Resource("", "v1", "serviceaccounts", "ServiceAccount", True),
    short_names=("sa",),
    subresources=frozenset({"token"}),
)
