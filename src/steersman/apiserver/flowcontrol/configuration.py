"""From FlowSchemas and PriorityLevelConfigurations to levels with seats, and to the FlowSchemas that may be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steersman.apiserver.flowcontrol import allocation, matching, width
from steersman.apiserver.flowcontrol.allocation import Adjusted, Share, Wanted
from steersman.apiserver.flowcontrol.demand import Demand
from steersman.apiserver.flowcontrol.level import Level, Queuing
from steersman.kinds.flowcontrol import mandatory_specs
from steersman.kinds.flowcontrol.mandatory_specs import CATCH_ALL, EXEMPT


def share_of(spec: Any) -> Share:
    """The seats that a PriorityLevelConfiguration's spec asks for."""
    if spec.type == "Exempt":
        exempt = spec.exempt
        if exempt is None:
            return Share(0, exempt=True)
        return Share(exempt.nominalConcurrencyShares or 0, exempt.lendablePercent or 0, exempt=True)
    limited = spec.limited
    return Share(limited.nominalConcurrencyShares or 0, limited.lendablePercent or 0, limited.borrowingLimitPercent)


def queuing_of(spec: Any) -> Queuing:
    """How a spec lets requests wait."""
    queuing = spec.limited.limitResponse.queuing if spec.limited is not None else None
    if queuing is None:
        return Queuing()
    return Queuing(queuing.queues or 1, queuing.handSize or 1, queuing.queueLengthLimit or 1)


def levels(found: Sequence[Any], present: Mapping[str, Level], total: int, now: float) -> dict[str, Level]:
    """The levels of the objects `found`, those `present` going on where they are, with their shares of `total` seats.

    A level whose object is gone stays as long as anything is in it; the mandatory ones are there in any case.
    """
    wanted = {obj.metadata.name: (obj.metadata.uid, obj.spec) for obj in found}
    for name in (EXEMPT, CATCH_ALL):
        wanted.setdefault(name, ("", mandatory_specs.level_spec(name)))
    out: dict[str, Level] = {}
    for name, (uid, spec) in wanted.items():
        share, queuing = share_of(spec), queuing_of(spec)
        out[name] = present.get(name) or Level(name, uid, share, queuing, Demand(now))
        out[name].configure(uid, share, queuing)
    for name, level in present.items():
        if name not in out and not level.idle:
            level.leaving = True
            out[name] = level
    limits = allocation.nominal_limits(total, {name: level.share for name, level in out.items()})
    for name, level in out.items():
        nominal = limits[name].nominal
        if name not in present:
            level.limit = nominal - (nominal - limits[name].least) // 2
        level.limits = limits[name]
        queuing = level.queuing
        level.widest = allocation.widest(nominal, queuing.hand_size) if queuing.queues else width.MOST_SEATS
        level.widest = min(level.widest, width.MOST_SEATS)
    adjust(out)
    return out


def adjust(present: Mapping[str, Level]) -> Adjusted:
    """Give each level its seats for the next period."""
    wanted = {
        name: Wanted(level.limits, level.statistics.peak, level.statistics.smoothed, level.exempt)
        for name, level in present.items()
    }
    adjusted = allocation.adjust(wanted)
    for name, level in present.items():
        level.limit = adjusted.limits[name]
    return adjusted


def schemas(found: Sequence[Any], present: Mapping[str, Level]) -> list[Any]:
    """The FlowSchemas in the order in which they are tried: those whose level is there, and the mandatory ones."""
    good = []
    for schema in found:
        level = present.get(schema.spec.priorityLevelConfiguration.name)
        if level is not None and not level.leaving:
            good.append(schema)
    names = {schema.metadata.name for schema in good}
    return matching.in_order([*good, *(imagined(name) for name in (EXEMPT, CATCH_ALL) if name not in names)])


def imagined(name: str) -> Any:
    """The mandatory FlowSchema of this name, as long as there is no object."""
    from steersman.kinds.types.flowcontrol_v1 import FlowSchema

    schema = FlowSchema(spec=mandatory_specs.flow_spec(name))
    schema.metadata.name = name
    return schema
