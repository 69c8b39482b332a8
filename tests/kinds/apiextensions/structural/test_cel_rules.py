"""Rules in CEL: where they apply, what they say, transitions, costs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kinds.apiextensions.structural.test_pruning import obj, props

from steersman.kinds.apiextensions.structural.cel_rules import Rules
from steersman.kinds.apiextensions.structural.validation import NOTHING


def check(schema: Any, value: Any, old: Any = NOTHING) -> list[str]:
    rules = Rules.of(props(schema), root=True)
    assert rules is not None
    return [str(e) for e in rules.validate(value, old)]


def ruled(schema: Any, rule: str, **more: Any) -> Any:
    return {**schema, "x-kubernetes-validations": [{"rule": rule, **more}]}


INTEGER, STRING = {"type": "integer"}, {"type": "string"}
RANGE = obj(min=INTEGER, max=INTEGER)


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (ruled(INTEGER, "self > 1"), 2, ""),
        (ruled(INTEGER, "self > 1"), 1, "x: Invalid value: 1: failed rule: self > 1"),
        (ruled(INTEGER, "self > 1", message=" too small "), 1, "x: Invalid value: 1: too small"),
        (
            ruled(INTEGER, "self > 1", messageExpression="'%d is too small'.format([self])"),
            1,
            "x: Invalid value: 1: 1 is too small",
        ),
        (ruled(INTEGER, "self > 1", messageExpression="''", message="m"), 1, "x: Invalid value: 1: m"),
        (ruled(RANGE, "self.min <= self.max", message="m"), {"min": 2, "max": 1}, "x: Invalid value: m"),
        (ruled(RANGE, "self.min <= self.max", message="m", fieldPath=".max"), {"min": 2, "max": 1}, "x.max: Invalid value: m"),
        (ruled(STRING, "false", message="m", reason="FieldValueForbidden"), "a", "x: Forbidden: m"),
        (ruled(STRING, "false", message="m", reason="FieldValueRequired"), "a", "x: Required value: m"),
        (ruled(STRING, "false", message="m", reason="FieldValueDuplicate"), "a", 'x: Duplicate value: "a"'),
        (
            ruled(RANGE, "self.max > 1"),
            {"min": 1},
            'x: Invalid value: "object": no such key: max evaluating rule: self.max > 1',
        ),
        ({"type": "array", "items": ruled(INTEGER, "self > 1", message="m")}, [2, 1], "x[1]: Invalid value: 1: m"),
        (
            {"type": "object", "additionalProperties": ruled(INTEGER, "self > 1", message="m")},
            {"k": 1},
            "x[k]: Invalid value: 1: m",
        ),
        (ruled({**INTEGER, "nullable": True}, "self > 1"), None, ""),
        (ruled({"x-kubernetes-int-or-string": True}, "type(self) == int"), 1, ""),
    ],
)  # fmt: skip
def test_rules(schema: Any, value: Any, message: str) -> None:
    assert check(obj(x=schema), {"x": value}) == ([message] if message else [])


def test_the_root_sees_its_name() -> None:
    schema = ruled(obj(), "self.metadata.name != 'bad'", message="m")
    assert check(schema, {"kind": "A", "apiVersion": "v1", "metadata": {"name": "good"}}) == []
    assert check(schema, {"kind": "A", "apiVersion": "v1", "metadata": {"name": "bad"}}) == ["<nil>: Invalid value: m"]


LIST_MAP = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": ruled(obj(k=STRING, v=INTEGER), "self.v >= oldSelf.v", message="m"),
}


@pytest.mark.parametrize(
    ("schema", "old", "new", "messages"),
    [
        (ruled(INTEGER, "self >= oldSelf", message="m"), NOTHING, 1, []),
        (ruled(INTEGER, "self >= oldSelf", message="m"), 2, 1, ["x: Invalid value: 1: m"]),
        (ruled(INTEGER, "oldSelf.hasValue()", message="m", optionalOldSelf=True), NOTHING, 1, ["x: Invalid value: 1: m"]),
        (ruled(INTEGER, "oldSelf.hasValue()", message="m", optionalOldSelf=True), 1, 1, []),
        (LIST_MAP, [{"k": "a", "v": 2}], [{"k": "b", "v": 1}, {"k": "a", "v": 1}], ["x[1]: Invalid value: m"]),
        # What has not changed is put up with, but for transitions.
        (ruled(INTEGER, "self > 5"), 1, 1, []),
        (ruled(RANGE, "self.min > 5", message="m"), {"min": 1, "max": 1}, {"min": 1, "max": 2}, ["x: Invalid value: m"]),
        ({"type": "array", "items": ruled(INTEGER, "self > 5", message="m")}, [1], [1], []),
        ({"type": "array", "items": ruled(INTEGER, "self > 5", message="m")}, [1], [1, 9], ["x[0]: Invalid value: 1: m"]),
    ],
)  # fmt: skip
def test_transitions(schema: Any, old: Any, new: Any, messages: list[str]) -> None:
    assert check(obj(x=schema), {"x": new}, {} if old is NOTHING else {"x": old}) == messages


def test_the_budget_ends() -> None:
    rule = "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"
    found = check(obj(x=ruled({"type": "array", "items": INTEGER}, rule)), {"x": list(range(200))})
    assert len(found) == 1
    assert "no further validation rules will be run due to call cost exceeds limit for rule" in found[0]


def test_a_rule_that_does_not_compile_is_told() -> None:
    assert "rule compile error: compilation failed" in check(obj(x=ruled(STRING, "self.nope")), {"x": "a"})[0]


def test_no_rules() -> None:
    assert Rules.of(props(obj(x=STRING))) is None
