"""ReplicaSet: a number of identical pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import ReplicaSet

KIND: Kind[ReplicaSet] = Kind(
    resource=Resource("apps", "v1", "replicasets", "ReplicaSet", True),
    short_names=("rs",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
)
