"""Event: something that happened to an object. The core form is stored, events.k8s.io shows the same under new names."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.duration import UNKNOWN, age
from steersman.api.meta import Resource
from steersman.kinds.core import event_rules
from steersman.kinds.kind import Column, Kind, Plain, Version, older, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Event

_EVENTS = Resource("events.k8s.io", "v1", "events", "Event", True)
# events.k8s.io → core
_RENAMED = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
}


def _rename(plain: Plain, names: dict[str, str]) -> None:
    for old, new in names.items():
        if old in plain:
            plain[new] = plain.pop(old)


def to_core(plain: Plain) -> None:
    _rename(plain, _RENAMED)


def from_core(plain: Plain) -> None:
    _rename(plain, {core: new for new, core in _RENAMED.items()})


def _row(obj: Event, now: datetime) -> list[Any]:
    first = age(obj.firstTimestamp or obj.eventTime, now)
    last = age(obj.lastTimestamp, now) if obj.lastTimestamp else first
    # An event that happened once has no count in the new form.
    count = obj.count or 1
    if obj.series is not None:
        count = obj.series.count or 0
        last = age(obj.series.lastObservedTime, now) if obj.series.lastObservedTime else UNKNOWN
    about = obj.involvedObject
    target = f"{about.kind.lower()}/{about.name}" if about.name else about.kind.lower()
    return [
        last, obj.type, obj.reason, target, about.fieldPath, _source(obj), obj.message.strip(), first, count, obj.metadata.name,
    ]  # fmt: skip


def _source(obj: Event) -> str:
    component = (obj.source.component if obj.source else "") or obj.reportingComponent
    instance = (obj.source.host if obj.source else "") or obj.reportingInstance
    return f"{component}, {instance}" if instance else component


def _selectable(obj: Event) -> dict[str, str]:
    """The names of both forms: the same object answers to either."""
    about = obj.involvedObject
    return {
        "regarding.kind": about.kind,
        "regarding.namespace": about.namespace,
        "regarding.name": about.name,
        "regarding.uid": about.uid,
        "reportingController": obj.reportingComponent,
        "involvedObject.kind": about.kind,
        "involvedObject.namespace": about.namespace,
        "involvedObject.name": about.name,
        "involvedObject.uid": about.uid,
        "involvedObject.apiVersion": about.apiVersion,
        "involvedObject.resourceVersion": about.resourceVersion,
        "involvedObject.fieldPath": about.fieldPath,
        "reason": obj.reason,
        "reportingComponent": obj.reportingComponent,
        "source": (obj.source.component if obj.source else "") or obj.reportingComponent,
        "type": obj.type,
    }


KIND: Kind[Event] = Kind(
    resource=Resource("", "v1", "events", "Event", True),
    short_names=("ev",),
    versions=(
        Version(
            _EVENTS,
            served_by_default=True,
            to_stored=to_core,
            from_stored=from_core,
        ),
        older(
            Resource("events.k8s.io", "v1beta1", "events", "Event", True),
            "1.22",
            "1.25",
            to_stored=to_core,
            from_stored=from_core,
            like=_EVENTS,
            replacement=_EVENTS,
        ),
    ),
    allow_create_on_update=True,
    expires=True,
    columns=(
        Column("Last Seen"), Column("Type"), Column("Reason"), Column("Object"), wide("Subobject"), wide("Source"),
        Column("Message"), wide("First Seen"), wide("Count", "integer"), Column("Name", format="name", priority=1),
    ),
    row=_row,
    selectable=_selectable,
    check=event_rules.check,
)  # fmt: skip
