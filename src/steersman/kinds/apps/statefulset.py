"""StatefulSet: pods with an identity and storage of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import StatefulSet

KIND: Kind[StatefulSet] = Kind(
    resource=Resource("apps", "v1", "statefulsets", "StatefulSet", True),
    short_names=("sts",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
)
