"""FlowSchema: which requests share a priority level."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.kinds.columns import NONE, condition, created
from steersman.kinds.flowcontrol import flow_rules, older_versions
from steersman.kinds.flowcontrol.mandatory_specs import FLOWS
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.flowcontrol_v1 import FlowSchema


def _row(obj: FlowSchema, now: datetime) -> list[Any]:
    spec, dangling = obj.spec, condition(obj, "Dangling")
    return [
        obj.metadata.name,
        spec.priorityLevelConfiguration.name or NONE,
        spec.matchingPrecedence,
        spec.distinguisherMethod.type if spec.distinguisherMethod else NONE,
        created(obj, now),
        dangling.status if dangling else "?",
    ]


def _order(obj: FlowSchema) -> tuple[int, str]:
    """The order in which they are tried."""
    return obj.spec.matchingPrecedence or 0, obj.metadata.name


def _default(obj: FlowSchema) -> None:
    if not obj.spec.matchingPrecedence:
        obj.spec.matchingPrecedence = 1000


KIND: Kind[FlowSchema] = Kind(
    resource=FLOWS,
    versions=older_versions.FLOW_SCHEMA,
    subresources=frozenset({"status"}),
    generation=True,
    columns=(
        NAME,
        Column("PriorityLevel"),
        Column("MatchingPrecedence", "integer"),
        Column("DistinguisherMethod"),
        AGE,
        Column("MissingPL"),
    ),
    row=_row,
    row_order=_order,
    default=_default,
    check=flow_rules.check,
    check_status_update=flow_rules.check_status,
)
