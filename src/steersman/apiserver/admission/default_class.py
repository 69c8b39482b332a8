"""Which class of storage or ingress is meant when none is named: the newest of those that an annotation marks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from steersman.api.meta import parse_time
from steersman.kinds.types.meta_v1 import Object

T = TypeVar("T", bound=Object)


def default_of(classes: Iterable[T], *annotations: str) -> T | None:
    """The newest class that has one of the annotations set to true; of equally old ones the first by name."""
    marked = [c for c in classes if any((c.metadata.annotations or {}).get(a) == "true" for a in annotations)]
    return min(
        marked, key=lambda c: (-parse_time(c.metadata.creationTimestamp).timestamp(), c.metadata.name), default=None
    )
