"""Tolerations put together: what is tolerated anyway is not said twice. Pods may have any number: nothing compares all with all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Toleration

_NO_EXECUTE = "NoExecute"
_EQUAL = ("", "Equal")
_FOREVER, _NEVER = float("inf"), float("-inf")
_Group = tuple[str, ...]
"""Tolerations that differ at most in how long they last, or in how they are spelt."""


def merged(first: Iterable[Toleration], second: Iterable[Toleration]) -> list[Toleration]:
    """Both lists in order, without those that another one includes; of equal ones the first stays, of those that are
    only spelt differently the last."""
    every = [*first, *second]
    wide = Coverage(every)
    # Of tolerations that include each other, the first after the last that is spelt differently.
    kept: dict[tuple[_Group, float], tuple[int, Toleration]] = {}
    for index, one in enumerate(every):
        key = _group(one), _lasts(one)
        known = kept.get(key)
        if known is None or known[1] != one:
            kept[key] = index, one
    return [
        one for (group, _), (_, one) in sorted(kept.items(), key=lambda item: item[1][0]) if not wide.exceed(one, group)
    ]


class Coverage:
    """What some tolerations tolerate together, each for itself."""

    def __init__(self, tolerations: Iterable[Toleration]) -> None:
        self._longest: dict[_Group, float] = {}
        for one in tolerations:
            group = _group(one)
            self._longest[group] = max(_lasts(one), self._longest.get(group, _NEVER))

    def covers(self, one: Toleration) -> bool:
        """Whether a toleration of these includes it."""
        group = _group(one)
        return self._longest.get(group, _NEVER) >= _lasts(one) or self.exceed(one, group)

    def exceed(self, one: Toleration, group: _Group) -> bool:
        """Whether a toleration of these, which may have `one` among them, includes it and more; `group` is its own."""
        if group[0] != "other" and self._longest.get(group, _NEVER) > _lasts(one):
            return True
        lasts = _FOREVER if one.tolerationSeconds is None else one.tolerationSeconds
        return any(self._longest.get(wider, _NEVER) >= lasts for wider in _wider(one) if wider != group)


def _group(one: Toleration) -> _Group:
    if one.operator == "Exists":
        return "exists", one.key, one.effect
    if one.operator in _EQUAL:
        return "equal", one.key, one.value, one.effect
    # What is no operator here is included by itself alone.
    return "other", one.operator, one.key, one.value, one.effect, str(one.tolerationSeconds)


def _lasts(one: Toleration) -> float:
    """For how many seconds, where that matters."""
    return one.tolerationSeconds if one.effect == _NO_EXECUTE and one.tolerationSeconds is not None else _FOREVER


def _wider(one: Toleration) -> Iterator[_Group]:
    """The groups that might include it."""
    for effect in ("", one.effect):
        yield "exists", "", effect
        yield "exists", one.key, effect
        if one.operator in _EQUAL:
            yield "equal", one.key, one.value, effect
