"""Makes bad input from good: values with parts exchanged, dropped and repeated, texts and bytes with pieces out of place."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

STRINGS = (
    "", "a", "A", "-", ".", "/", "..", "a" * 64, "a" * 254, "x/y/z", "é", "\u2028", "\x00", "\x7f", "😀", "\ud800", "%", "%%%",
    "1", "0", "-1", "1e400", "100m", "1Ki", "9223372036854775808", "1.5", "true", "null", "{}", "default", "web", "http",
    "2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "10.0.0.1", "::1", "10.0.0.0/33", "a=b", "a in (b",
    "self", "self.spec.size > 3", "self.all(x, x", "object.metadata.name", "[1,2].map(x, x)", "'a'.matches('(a+)+$')", "1/0",
)  # fmt: skip
"""Texts that mean something to one parser or another."""

NUMBERS = (0, 1, -1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 2**70, 1.5, -0.0, 1e308, 1e-320, 65536)
SCALARS: tuple[Any, ...] = (None, True, False, *NUMBERS, *STRINGS)
KEYS = (
    "metadata",
    "spec",
    "status",
    "name",
    "kind",
    "apiVersion",
    "labels",
    "items",
    "$patch",
    "$retainKeys",
    "x",
    "",
    "f:a",
)
_CHANCE = 0.5
_MOST_CHANGES = 4


def value(random: Random, good: Any) -> Any:
    """A copy of a JSON value with up to four changes, at places where there is something."""
    changed = json.loads(json.dumps(good))
    for _ in range(random.randint(0, _MOST_CHANGES)):
        changed = _changed(random, changed)
    return changed


def _changed(random: Random, current: Any) -> Any:
    """The value with one change in it, or another value in its place."""
    if isinstance(current, dict) and current and random.random() < 0.85:
        key = random.choice(list(current))
        _change_member(random, current, key)
        return current
    if isinstance(current, list) and current and random.random() < 0.85:
        at = random.randrange(len(current))
        _change_item(random, current, at)
        return current
    return anything(random)


def _change_member(random: Random, current: dict[str, Any], key: str) -> None:
    dice = random.random()
    if dice < 0.65:
        current[key] = _changed(random, current[key])
    elif dice < 0.75:
        del current[key]
    elif dice < 0.85:
        current[random.choice(KEYS)] = anything(random)
    elif dice < 0.95:
        current[random.choice(list(current))] = current[key]
    else:
        current[random.choice(STRINGS)] = current.pop(key)


def _change_item(random: Random, current: list[Any], at: int) -> None:
    dice = random.random()
    if dice < 0.7:
        current[at] = _changed(random, current[at])
    elif dice < 0.8:
        current.insert(at, current[at])
    elif dice < 0.9:
        current.insert(at, anything(random))
    else:
        del current[at]


def anything(random: Random, depth: int = 3) -> Any:
    """A small value of any shape; now and then a deep one."""
    dice = random.random()
    if depth and dice < 0.12:
        return {random.choice(KEYS): anything(random, depth - 1) for _ in range(random.randint(0, 3))}
    if depth and dice < 0.24:
        return [anything(random, depth - 1) for _ in range(random.randint(0, 3))]
    if dice < 0.25:
        return _deep(random.choice((50, 500)))
    return random.choice(SCALARS)


def _deep(levels: int) -> Any:
    out: Any = 1
    for _ in range(levels):
        out = {"x": [out]}
    return out


def text(random: Random, good: str) -> str:
    """The text with pieces replaced, repeated, cut out or put in."""
    for _ in range(random.randint(1, _MOST_CHANGES)):
        at = random.randint(0, len(good))
        end = min(len(good), at + random.randint(0, 8))
        dice = random.random()
        piece = (
            random.choice(STRINGS)
            if dice < _CHANCE
            else random.choice("()[]{}<>!=&|?:;,.'\"\\ \n\t%$#@^*+-/~`") * random.randint(1, 3)
        )
        good = good[:at] + piece + (good[at:] if dice < 0.3 else good[end:])
    return good


def data(random: Random, good: bytes) -> bytes:
    """The bytes with some flipped, cut out, repeated or put in."""
    out = bytearray(good)
    for _ in range(random.randint(1, _MOST_CHANGES)):
        at = random.randint(0, len(out))
        dice = random.random()
        if dice < 0.4 and at < len(out):
            out[at] = random.randrange(256)
        elif dice < 0.6:
            out[at:at] = random.randbytes(random.randint(1, 4))
        elif dice < 0.8:
            del out[at : at + random.randint(1, 16)]
        else:
            out[at:at] = out[at : at + random.randint(1, 64)]
    return bytes(out)


def encoded(random: Random, good: Any, writers: Sequence[Callable[[Any], bytes]]) -> bytes:
    """A changed value as one of the writers has it; sometimes with the bytes themselves damaged."""
    try:
        body = random.choice(writers)(value(random, good))
    except (UnicodeEncodeError, ValueError, RecursionError, TypeError):
        # Not every value has such a form.
        body = json.dumps(good).encode()
    return data(random, body) if random.random() < 0.15 else body
