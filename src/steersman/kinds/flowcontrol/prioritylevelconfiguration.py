"""PriorityLevelConfiguration: a share of the API server."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.kinds.columns import NONE, created
from steersman.kinds.flowcontrol import flow_rules, level_rules, older_versions
from steersman.kinds.flowcontrol.mandatory_specs import LEVELS
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.flowcontrol_v1 import PriorityLevelConfiguration


def _row(obj: PriorityLevelConfiguration, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.type, *_shares(obj), created(obj, now)]


def _shares(obj: PriorityLevelConfiguration) -> list[Any]:
    """Shares, queues, hand size and queue length limit."""
    limited = obj.spec.limited
    if limited is None:
        # Those of the exempt level are not shown, as upstream does not.
        return [NONE, NONE, NONE, NONE]
    queuing = limited.limitResponse.queuing
    shares = NONE if limited.nominalConcurrencyShares is None else limited.nominalConcurrencyShares
    if queuing is None:
        return [shares, NONE, NONE, NONE]
    return [shares, queuing.queues, queuing.handSize, queuing.queueLengthLimit]


def _default(obj: PriorityLevelConfiguration) -> None:
    limited, exempt = obj.spec.limited, obj.spec.exempt
    if exempt is not None:
        exempt.nominalConcurrencyShares = exempt.nominalConcurrencyShares or 0
        exempt.lendablePercent = exempt.lendablePercent or 0
    if limited is None:
        return
    if limited.nominalConcurrencyShares is None:
        limited.nominalConcurrencyShares = 30
    limited.lendablePercent = limited.lendablePercent or 0
    queuing = limited.limitResponse.queuing
    if queuing is not None:
        queuing.queues = queuing.queues or 64
        queuing.handSize = queuing.handSize or 8
        queuing.queueLengthLimit = queuing.queueLengthLimit or 50


KIND: Kind[PriorityLevelConfiguration] = Kind(
    resource=LEVELS,
    versions=older_versions.PRIORITY_LEVEL_CONFIGURATION,
    subresources=frozenset({"status"}),
    generation=True,
    columns=(
        NAME,
        Column("Type"),
        Column("NominalConcurrencyShares"),
        Column("Queues"),
        Column("HandSize"),
        Column("QueueLengthLimit"),
        AGE,
    ),
    row=_row,
    default=_default,
    check=level_rules.check,
    check_status_update=flow_rules.check_status,
)
