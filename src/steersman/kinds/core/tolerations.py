"""Tolerations put together: what is tolerated anyway is not said twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Toleration


def merged(first: Iterable[Toleration], second: Iterable[Toleration]) -> list[Toleration]:
    """Both lists in order, without those that another one includes; of equal ones the first stays."""
    every = [*first, *second]
    kept: list[Toleration] = []
    for index, one in enumerate(every):
        later = (other for other in every[index + 1 :] if other != one)
        if not any(includes(other, one) for other in (*kept, *later)):
            kept.append(one)
    return kept


def includes(wide: Toleration, narrow: Toleration) -> bool:
    """Whether `wide` tolerates everything that `narrow` does, and as long."""
    if wide == narrow:
        return True
    exists = wide.operator == "Exists"
    if wide.key != narrow.key and (wide.key or not exists):
        return False
    if wide.effect not in ("", narrow.effect):
        return False
    if wide.effect == "NoExecute" and wide.tolerationSeconds is not None:
        seconds = narrow.tolerationSeconds
        if seconds is None or seconds > wide.tolerationSeconds:
            return False
    if exists:
        return True
    equal = ("", "Equal")
    return wide.operator in equal and narrow.operator in equal and wide.value == narrow.value
