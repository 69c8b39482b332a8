"""ComponentStatus: the health of a control plane component, computed when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ComponentStatus

KIND: Kind[ComponentStatus] = Kind(
    resource=Resource("", "v1", "componentstatuses", "ComponentStatus", False),
    short_names=("cs",),
    stored=False,
    verbs=("get", "list"),
    name_rule=names.path_segment,
)
