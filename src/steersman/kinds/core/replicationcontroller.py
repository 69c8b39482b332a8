"""ReplicationController: the ancestor of ReplicaSet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ReplicationController

KIND: Kind[ReplicationController] = Kind(
    resource=Resource("", "v1", "replicationcontrollers", "ReplicationController", True),
    short_names=("rc",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
)
