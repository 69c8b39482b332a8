"""Node: a machine that runs pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Node

KIND: Kind[Node] = Kind(
    resource=Resource("", "v1", "nodes", "Node", False),
    short_names=("no",),
    subresources=frozenset({"proxy", "status"}),
)
