"""ControllerRevision: a past state of a controller's template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import ControllerRevision

KIND: Kind[ControllerRevision] = Kind(
    resource=Resource("apps", "v1", "controllerrevisions", "ControllerRevision", True),
)
