"""ComponentStatus: the health of a control plane component, computed when asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ComponentStatus


def _row(obj: ComponentStatus, now: datetime) -> list[Any]:
    return [obj.metadata.name, *_health(obj)]


def _health(obj: ComponentStatus) -> tuple[str, str, str]:
    """Status, message and error of the Healthy condition."""
    for found in obj.conditions or ():
        if found.type == "Healthy":
            return ("Healthy" if found.status == "True" else "Unhealthy"), found.message, found.error
    return "Unknown", "", ""


KIND: Kind[ComponentStatus] = Kind(
    resource=Resource("", "v1", "componentstatuses", "ComponentStatus", False),
    short_names=("cs",),
    stored=False,
    verbs=("get", "list"),
    name_rule=names.path_segment,
    columns=(NAME, Column("Status"), Column("Message"), Column("Error")),
    row=_row,
)
