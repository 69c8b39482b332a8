"""Conditions in the form that most kinds share, with the texts that clients read."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.api.field import Path
from steersman.kinds import condition_rules
from steersman.kinds.types.meta_v1 import Condition

GOOD = {"type": "a", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"type": ""}, ["c[0].type: Required value: is required"]),
        ({"status": ""}, ["c[0].status: Required value"]),
        ({"status": "x"}, ['c[0].status: Unsupported value: "x": supported values: "False", "True", "Unknown"']),
        ({"observedGeneration": -1},
         ["c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero"]),
        ({"lastTransitionTime": None}, ["c[0].lastTransitionTime: Required value"]),
        ({"reason": ""}, ["c[0].reason: Required value"]),
        ({"reason": "a" * 1025}, ["c[0].reason: Too long: may not be more than 1024 bytes"]),
        ({"message": "\u00e4" * 16385}, ["c[0].message: Too long: may not be more than 32768 bytes"]),
    ],
)  # fmt: skip
def test_one(changed: dict[str, Any], expected: list[str]) -> None:
    condition, _ = codec.from_builtins(Condition, {**GOOD, **changed})
    assert [str(e) for e in condition_rules.check([condition], Path("c"))] == expected


@pytest.mark.parametrize("reason", ["1", "a-b", "a,"])
def test_reason(reason: str) -> None:
    condition, _ = codec.from_builtins(Condition, {**GOOD, "reason": reason})
    (found,) = condition_rules.check([condition], Path("c"))
    assert found.field == "c[0].reason"
    assert found.detail.startswith("a condition reason must start with alphabetic character")


def test_each_type_once() -> None:
    condition, _ = codec.from_builtins(Condition, GOOD)
    assert [str(e) for e in condition_rules.check([condition, condition], Path("c"))] == ['c[1]: Duplicate value: "a"']
    assert condition_rules.check(None, Path("c")) == []
