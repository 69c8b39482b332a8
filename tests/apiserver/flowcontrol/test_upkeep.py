"""What is done to the objects: made, repaired, followed or left alone, removed; and the condition of FlowSchemas."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.apiserver.flowcontrol import objects, upkeep
from steersman.kinds.types.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration

AUTO = objects.AUTO_UPDATE


def level(name: str, spec: dict[str, Any] | None = None, flag: str | None = "true", generation: int = 1) -> Any:
    metadata = {"name": name, "generation": generation, **({} if flag is None else {"annotations": {AUTO: flag}})}
    plain = {"metadata": metadata, "spec": spec or objects.LEVELS[name]}
    return codec.from_builtins(PriorityLevelConfiguration, plain)[0]


def plan(*found: Any) -> upkeep.Plan:
    return upkeep.plan(PriorityLevelConfiguration, objects.LEVELS, found)


def test_all_are_made() -> None:
    planned = plan()
    assert [o.metadata.name for o in planned.create] == list(objects.LEVELS)
    assert {o.metadata.annotations[AUTO] for o in planned.create} == {"true"}
    made = upkeep.plan(FlowSchema, objects.FLOWS, ()).create
    assert [o.metadata.name for o in made] == list(objects.FLOWS)


def test_nothing_to_do() -> None:
    assert plan(*map(level, objects.LEVELS)) == upkeep.Plan()


OTHER = {"type": "Limited", "limited": {"nominalConcurrencyShares": 7, "limitResponse": {"type": "Reject"}}}


@pytest.mark.parametrize(
    ("flag", "generation", "follows", "annotation"),
    [
        ("true", 5, True, "true"),
        ("false", 1, False, None),
        (None, 1, True, "true"),
        (None, 2, False, "false"),
        ("x", 2, False, "false"),
    ],
)
def test_changed_by_somebody(flag: str | None, generation: int, follows: bool, annotation: str | None) -> None:
    rest = [level(name) for name in objects.LEVELS if name != "system"]
    planned = plan(*rest, level("system", OTHER, flag, generation))
    if annotation is None:
        assert planned == upkeep.Plan()
        return
    (new,) = planned.update
    assert new.metadata.annotations[AUTO] == annotation
    assert (new.spec == level("system").spec) is follows


def test_mandatory_ones_are_always_repaired() -> None:
    rest = [level(name) for name in objects.LEVELS if name not in ("catch-all", "exempt")]
    lending = {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 9, "lendablePercent": 10}}
    planned = plan(*rest, level("catch-all", OTHER, "false", 5), level("exempt", lending, "true", 2))
    (new,) = planned.update
    assert new.metadata.name == "catch-all"
    assert new.spec == level("catch-all").spec
    assert new.metadata.annotations[AUTO] == "true"


def test_what_is_no_longer_known_is_removed() -> None:
    kept = [level(name) for name in objects.LEVELS]
    planned = plan(*kept, level("old", OTHER), level("mine", OTHER, None), level("also-mine", OTHER, "false"))
    assert planned == upkeep.Plan(delete=["old"])


def schema(level: str) -> Any:
    plain = {"metadata": {"name": "s"}, "spec": {"priorityLevelConfiguration": {"name": level}}}
    return codec.from_builtins(FlowSchema, plain)[0]


def test_dangling() -> None:
    told = upkeep.dangling(schema("l"), {"m"}, "2026-01-01T00:00:00Z")
    (condition,) = told.status.conditions
    assert codec.to_builtins(condition) == {
        "type": "Dangling",
        "status": "True",
        "reason": "NotFound",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "message": 'This FlowSchema references the PriorityLevelConfiguration object named "l" but there is no such object',
    }
    assert upkeep.dangling(told, {"m"}, "2027-01-01T00:00:00Z") is None
    found = upkeep.dangling(told, {"l"}, "2027-01-01T00:00:00Z")
    (condition,) = found.status.conditions
    assert (condition.status, condition.reason, condition.lastTransitionTime) == (
        "False",
        "Found",
        "2027-01-01T00:00:00Z",
    )
    assert condition.message.endswith('named "l" and it exists')
    assert upkeep.all_dangling([told, found], [level("system")], "") != []
