"""Cells and columns that several kinds show alike in `kubectl get`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import labels
from steersman.api.duration import age
from steersman.kinds.kind import NAME, Column, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container

NONE = "<none>"
UNSET = "<unset>"
UNKNOWN = "<unknown>"
SHOWN_ITEMS = 3

CREATED_AT = Column("Created At", "date", description="When the object was created.")
NAME_AND_CREATED_AT = (NAME, CREATED_AT)
CONTAINERS = (wide("Containers"), wide("Images"))
CONTAINERS_AND_SELECTOR = (*CONTAINERS, wide("Selector"))


def name_and_created_at(obj: Any, now: datetime) -> list[Any]:
    """The row of kinds that show when they were made, and not how long ago."""
    return [obj.metadata.name, obj.metadata.creationTimestamp]


def created(obj: Any, now: datetime) -> str:
    """The cell of the Age column."""
    return age(obj.metadata.creationTimestamp, now)


def containers(found: Iterable[Container]) -> list[Any]:
    """The cells of the Containers and Images columns."""
    listed = list(found)
    return [",".join(c.name for c in listed), ",".join(c.image for c in listed)]


def label_map(found: Mapping[str, str] | None) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((found or {}).items())) or NONE


def selector(found: Any) -> str:
    """A LabelSelector as text."""
    if found is None:
        return NONE
    try:
        return str(labels.from_object(found)) or NONE
    except labels.SelectorError:
        return "<error>"


def boolean(found: bool | None) -> str:
    """A flag that may be unset."""
    return UNSET if found is None else str(bool(found))


def limited(items: list[str], total: int | None = None) -> str:
    """The first few items, and how many more there are."""
    count = len(items) if total is None else total
    text = ",".join(items[:SHOWN_ITEMS])
    return f"{text} + {count - SHOWN_ITEMS} more..." if count > SHOWN_ITEMS else text


def condition(obj: Any, kind: str) -> Any:
    """The status condition of a type, or None."""
    return next((c for c in obj.status.conditions or () if c.type == kind), None)


_ACCESS_MODES = (
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
)


def access_modes(found: Iterable[str] | None) -> str:
    """A volume's access modes in their short form."""
    given = set(found or ())
    return ",".join(short for mode, short in _ACCESS_MODES if mode in given)
