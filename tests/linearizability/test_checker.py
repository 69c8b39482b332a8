"""The checker: histories that everybody can judge, and random ones that were made in an order."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.linearizability.checker import Operation, Outcome, is_linearizable


def read(start: float, end: float, found: str | None) -> Operation:
    return Operation("read", start, end, found=found)


def create(start: float, end: float, new: str, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation("create", start, end, outcome, new=new)


def update(start: float, end: float, expected: str, new: str, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation("update", start, end, outcome, expected, new)


def delete(start: float, end: float, expected: str, outcome: Outcome = Outcome.OK) -> Operation:
    return Operation("delete", start, end, outcome, expected)


A = create(0, 1, "a")
NEVER = math.inf


@pytest.mark.parametrize(
    ("history", "possible"),
    [
        pytest.param([], True, id="nothing"),
        pytest.param([A, read(2, 3, "a")], True, id="what was written is read"),
        pytest.param([A, read(2, 3, None)], False, id="what was written is lost"),
        pytest.param([A, read(0.5, 3, None)], True, id="a read at the same time comes first"),
        pytest.param([A, read(0.1, 0.2, "a"), read(0.3, 0.4, None)], False, id="there and gone again"),
        pytest.param([A, create(0, 1, "b")], False, id="two creations"),
        pytest.param([A, create(0, 1, "b", Outcome.EXISTS)], True, id="one of two creations"),
        pytest.param([create(0, 1, "b", Outcome.EXISTS)], False, id="nothing was there"),
        pytest.param([A, update(2, 4, "a", "b"), update(3, 5, "a", "c")], False, id="two winners"),
        pytest.param([A, update(2, 4, "a", "b"), update(3, 5, "a", "c", Outcome.CHANGED)], True, id="one winner"),
        pytest.param([A, update(2, 3, "a", "b", Outcome.CHANGED)], False, id="nobody was faster"),
        pytest.param([A, delete(2, 3, "a"), read(4, 5, None)], True, id="deleted"),
        pytest.param([A, delete(2, 3, "a"), read(4, 5, "a")], False, id="deleted and back"),
        pytest.param([A, delete(2, 3, "x", Outcome.ABSENT)], False, id="it was there"),
        pytest.param([A, update(2, NEVER, "a", "b", Outcome.UNKNOWN), read(8, 9, "a")], True, id="perhaps not"),
        pytest.param([A, update(2, NEVER, "a", "b", Outcome.UNKNOWN), read(8, 9, "b")], True, id="perhaps"),
        pytest.param(
            [A, update(2, NEVER, "a", "b", Outcome.UNKNOWN), read(4, 5, "b"), read(8, 9, "a")], False, id="undone"
        ),
        pytest.param([read(0, 1, "b"), create(2, NEVER, "b", Outcome.UNKNOWN)], False, id="before it was asked for"),
    ],
)
def test_judges(history: list[Operation], possible: bool) -> None:
    assert is_linearizable(history) is possible
    assert is_linearizable(history[::-1]) is possible


def made_in_an_order(steps: list[tuple[Any, ...]], seed: int) -> list[Operation]:
    """A history of operations that happened at the moments 0, 1, 2, …, each told of by a caller who waited around it."""
    chance, state, history = random.Random(seed), None, []
    for moment, (kind, stale, answered) in enumerate(steps):
        start, end = moment - chance.uniform(0, 4), moment + chance.uniform(0, 4)
        new = f"v{moment}"
        if kind == "read":
            history.append(read(start, end, state))
            continue
        expected = None if kind == "create" else "stale" if stale else state or "stale"
        if kind == "create":
            outcome = Outcome.OK if state is None else Outcome.EXISTS
        elif state is None:
            outcome = Outcome.ABSENT
        else:
            outcome = Outcome.OK if expected == state else Outcome.CHANGED
        written = None if kind == "delete" else new
        if outcome is Outcome.OK:
            state = written
        if not answered:
            end, outcome = NEVER, Outcome.UNKNOWN
        history.append(Operation(kind, start, end, outcome, expected, written))
    return history


STEPS = st.tuples(
    st.sampled_from(["read", "create", "update", "delete"]), st.booleans(), st.sampled_from([True, True, True, False])
)


@given(st.lists(STEPS, max_size=40), st.integers())
def test_finds_the_order_of_what_had_one(steps: list[tuple[Any, ...]], seed: int) -> None:
    history = made_in_an_order(steps, seed)
    assert is_linearizable(history)
    # Nobody ever wrote this.
    assert not is_linearizable([*history, read(1000, 1001, "x")])
