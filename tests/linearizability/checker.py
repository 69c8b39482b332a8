"""Whether a history of overlapping operations on one register could have happened one after the other.

The register holds a value or nothing; every write writes a value of its own, so a value says which write it comes from. The
search is that of Wing and Gong, with the memory of Lowe: a set of operations done and the state they led to is looked at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What an operation's caller was told."""

    OK = "ok"
    EXISTS = "there is one already"
    ABSENT = "there is none"
    CHANGED = "it is another by now"
    # No answer: it took effect at some time after its start, or never.
    UNKNOWN = "nothing"


@dataclass(frozen=True)
class Operation:
    """One call, from `start` to `end` of one clock (`end` infinite when there was no answer).

    A read has `found`. A write has `new` (None: it deletes) and, unless it creates, the value `expected` that it replaces.
    """

    kind: str
    start: float
    end: float
    outcome: Outcome = Outcome.OK
    expected: str | None = None
    new: str | None = None
    found: str | None = None


@dataclass(frozen=True)
class Impossible:
    """An operation that cannot follow whatever came before it."""

    state: str | None


def apply(operation: Operation, state: str | None) -> str | Impossible | None:
    """The state after the operation, had it happened now; Impossible when its outcome could not have been this."""
    if operation.kind == "read":
        return state if operation.found == state else Impossible(state)
    match operation.outcome:
        case Outcome.EXISTS:
            fits = operation.kind == "create" and state is not None
        case Outcome.ABSENT:
            fits = operation.kind != "create" and state is None
        case Outcome.CHANGED:
            fits = operation.kind != "create" and state not in (None, operation.expected)
        case _:
            # A creation expects nothing.
            return operation.new if state == operation.expected else Impossible(state)
    return state if fits else Impossible(state)


def changes(operation: Operation) -> bool:
    return operation.kind != "read" and operation.outcome in (Outcome.OK, Outcome.UNKNOWN)


def is_linearizable(history: Sequence[Operation]) -> bool:
    """Whether there is an order, with one moment for each operation inside its time, in which every outcome is right."""
    operations = sorted(history, key=lambda o: o.start)
    certain = sum(1 << i for i, o in enumerate(operations) if o.outcome is not Outcome.UNKNOWN)
    seen: set[tuple[int, str | None]] = set()
    stack: list[tuple[int, str | None]] = [(0, None)]
    while stack:
        done, state = stack.pop()
        done = _do_what_changes_nothing(operations, done, state)
        if done & certain == certain:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        for i in _possible(operations, done):
            after = apply(operations[i], state)
            if not isinstance(after, Impossible) and changes(operations[i]):
                stack.append((done | 1 << i, after))
    return False


def _possible(operations: Sequence[Operation], done: int) -> list[int]:
    """The operations that may come next: none that is left ended before they began."""
    limit = min((o.end for i, o in enumerate(operations) if not done >> i & 1), default=math.inf)
    found = []
    for i, operation in enumerate(operations):
        if operation.start > limit:
            break
        if not done >> i & 1:
            found.append(i)
    return found


def _do_what_changes_nothing(operations: Sequence[Operation], done: int, state: str | None) -> int:
    """Take at once what may come next and leaves the state as it is: later it could only be harder."""
    while True:
        before = done
        for i in _possible(operations, done):
            if not changes(operations[i]) and not isinstance(apply(operations[i], state), Impossible):
                done |= 1 << i
        if done == before:
            return done
