"""What a deletion does to the object and its dependents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.apiserver.deletion import Deletion, finished, plan
from steersman.apiserver.params import DeleteOptions
from steersman.kinds.types.core_v1 import ConfigMap
from steersman.kinds.types.meta_v1 import ObjectMeta

NOW = datetime(2027, 1, 1, tzinfo=UTC)
MARKED = {"deletionTimestamp": "2027-01-01T00:00:20Z", "deletionGracePeriodSeconds": 30}
DONE = {"deletionTimestamp": "2026-12-31T00:00:00Z", "deletionGracePeriodSeconds": 0}
REMOVE, MARK, PENDING = Deletion.REMOVE, Deletion.MARK, Deletion.PENDING

# metadata before, options, grace period of the kind, outcome, what the metadata has then
CASES: list[tuple[dict[str, Any], dict[str, Any], int | None, Deletion, dict[str, Any]]] = [
    ({}, {}, None, REMOVE, {}),
    ({"generation": 1}, {}, 30, MARK, {"deletionTimestamp": "2027-01-01T00:00:30Z", "generation": 2}),
    ({"generation": 1, "finalizers": ["x"]}, {}, None, MARK, {"deletionGracePeriodSeconds": 0, "generation": 2}),
    ({"finalizers": ["x"]}, {}, 5, MARK, {"deletionGracePeriodSeconds": 5, "finalizers": ["x"]}),
    (MARKED, {}, 30, PENDING, MARKED),
    (MARKED, {"gracePeriodSeconds": 30}, 30, PENDING, MARKED),
    (MARKED, {"gracePeriodSeconds": 10}, 30, MARK, {"deletionTimestamp": "2027-01-01T00:00:00Z"}),
    (MARKED, {"gracePeriodSeconds": 0}, 30, REMOVE, {"deletionTimestamp": "2026-12-31T23:59:50Z"}),
    ({**MARKED, "finalizers": ["x"]}, {"gracePeriodSeconds": 0}, 30, MARK, {"deletionGracePeriodSeconds": 0}),
    (DONE, {}, 30, REMOVE, DONE),
    ({**DONE, "finalizers": ["x"]}, {}, None, MARK, DONE),
    ({}, {"propagationPolicy": "Foreground"}, None, MARK, {"finalizers": ["foregroundDeletion"]}),
    ({"finalizers": ["orphan", "x"]}, {"propagationPolicy": "Foreground"}, None, MARK, {"finalizers": ["x", "foregroundDeletion"]}),
    ({"finalizers": ["orphan"]}, {"propagationPolicy": "Background"}, None, REMOVE, {"finalizers": None}),
    ({"finalizers": ["orphan"]}, {}, None, MARK, {"finalizers": ["orphan"]}),
    ({"finalizers": ["foregroundDeletion", "orphan"]}, {}, None, MARK, {"finalizers": ["foregroundDeletion"]}),
]  # fmt: skip


@pytest.mark.parametrize(("before", "options", "grace", "outcome", "after"), CASES)
def test_plan(
    before: dict[str, Any], options: dict[str, Any], grace: int | None, outcome: Deletion, after: dict[str, Any]
) -> None:
    obj = ConfigMap(metadata=ObjectMeta(name="a", **before))
    assert plan(obj, DeleteOptions(**options), grace, NOW) is outcome
    for name, value in after.items():
        assert getattr(obj.metadata, name) == value


def test_kinds_that_orphan() -> None:
    obj = ConfigMap(metadata=ObjectMeta(name="a"))
    assert plan(obj, DeleteOptions(), None, NOW, orphans=True) is MARK
    assert obj.metadata.finalizers == ["orphan"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (DONE, {}, True),
        (DONE, {"finalizers": ["x"]}, False),
        (MARKED, {}, False),
        ({}, {}, False),
    ],
)
def test_finished(old: dict[str, Any], new: dict[str, Any], expected: bool) -> None:
    assert finished(ObjectMeta(**new), ObjectMeta(**old)) is expected
