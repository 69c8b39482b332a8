"""Validation of lists and maps that may hold so much and no more; what is too large is not looked into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from steersman.api import field
from steersman.api.field import Errors, Path

T = TypeVar("T")
Check = Callable[[T, Path], Errors]

_MIN_SHOWN = 16
_ELLIPSIS = "..."


def check_list(items: Sequence[T] | None, limit: int, check: Check[T], path: Path) -> Errors:
    """Each item of a list; a negative limit is none."""
    found = items or ()
    if 0 <= limit < len(found):
        return [field.too_many(path, len(found), limit)]
    return [e for i, item in enumerate(found) for e in check(item, path.index(i))]


def check_set(
    items: Sequence[T] | None, limit: int, check: Check[T], path: Path, key: Callable[[T], Any] | None = None
) -> Errors:
    """As `check_list`, and no item twice; items with the same key are the same."""
    found = items or ()
    errors = check_list(found, limit, check, path)
    if 0 <= limit < len(found):
        return errors
    seen: set[Any] = set()
    for i, item in enumerate(found):
        one = item if key is None else key(item)
        if one in seen:
            errors.append(field.duplicate(path.index(i), one))
        seen.add(one)
    return errors


def check_map(
    items: Mapping[str, T] | None,
    limit: int,
    check_key: Callable[[str, Path], Errors],
    check: Check[T],
    path: Path,
    shown: int,
) -> Errors:
    """Each key and value of a map. Of long keys `shown` characters are in the paths."""
    found = items or {}
    if 0 <= limit < len(found):
        return [field.too_many(path, len(found), limit)]
    errors: Errors = []
    for key, item in found.items():
        errors += check_key(key, path)
        errors += check(item, path.key(_shortened(key, max(shown, _MIN_SHOWN))))
    return errors


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = limit - len(_ELLIPSIS)
    return text[: (kept + 1) // 2] + _ELLIPSIS + text[len(text) - kept // 2 :]


def anything(item: object, path: Path) -> Errors:
    """The check of what needs none."""
    return []
