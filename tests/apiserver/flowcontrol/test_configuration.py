"""From objects to levels: those that are there go on, those that are gone drain, the mandatory ones are never missing."""

from __future__ import annotations

from typing import Any

from steersman.api import codec
from steersman.api.http import User
from steersman.apiserver.flowcontrol import configuration, objects
from steersman.apiserver.flowcontrol.level import Ticket
from steersman.apiserver.requestinfo import RequestInfo
from steersman.kinds.types.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration


def level(name: str, spec: dict[str, Any] | None = None) -> Any:
    plain = {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec or objects.LEVELS[name]}
    return codec.from_builtins(PriorityLevelConfiguration, plain)[0]


def schema(name: str, level_name: str, precedence: int) -> Any:
    spec = {"matchingPrecedence": precedence, "priorityLevelConfiguration": {"name": level_name}}
    return codec.from_builtins(FlowSchema, {"metadata": {"name": name}, "spec": spec})[0]


ALL = [level(name) for name in objects.LEVELS]


def test_levels() -> None:
    levels = configuration.levels(ALL, {}, 600, 0.0)
    assert {name: (found.limits.nominal, found.widest) for name, found in levels.items()} == {
        "exempt": (0, 10),
        "catch-all": (13, 10),
        "system": (74, 10),
        "node-high": (98, 10),
        "leader-election": (25, 4),
        "workload-high": (98, 10),
        "workload-low": (245, 10),
        "global-default": (49, 8),
    }
    assert sum(found.limit for found in levels.values()) >= 600
    assert levels["system"].uid == "uid-system"
    assert levels["exempt"].exempt


def test_the_mandatory_ones_are_imagined() -> None:
    levels = configuration.levels([], {}, 600, 0.0)
    assert sorted(levels) == ["catch-all", "exempt"]
    assert [s.metadata.name for s in configuration.schemas([], levels)] == ["exempt", "catch-all"]


def test_states_go_on() -> None:
    before = configuration.levels(ALL, {}, 600, 0.0)
    bigger = level(
        "system",
        {
            **objects.LEVELS["system"],
            "limited": {**objects.LEVELS["system"]["limited"], "nominalConcurrencyShares": 90},
        },
    )
    after = configuration.levels([*(o for o in ALL if o.metadata.name != "system"), bigger], before, 600, 1.0)
    assert after["system"] is before["system"]
    assert after["system"].limits.nominal > 150


def test_what_is_gone_drains() -> None:
    before = configuration.levels(ALL, {}, 600, 0.0)
    busy = before["workload-low"]
    ticket = Ticket(busy.flow("s", "", {}), 1, 0.0, User("u"), RequestInfo("/", "get"))
    busy.enter(ticket, 0.0, True)
    rest = [o for o in ALL if o.metadata.name not in ("workload-low", "system")]
    after = configuration.levels(rest, before, 600, 1.0)
    assert "system" not in after
    assert after["workload-low"].leaving
    schemas = configuration.schemas(
        [schema("s", "workload-low", 5), schema("t", "system", 6), schema("u", "node-high", 7)], after
    )
    assert [s.metadata.name for s in schemas] == ["exempt", "u", "catch-all"]
    busy.leave(ticket, 2.0)
    assert "workload-low" not in configuration.levels(rest, after, 600, 3.0)
