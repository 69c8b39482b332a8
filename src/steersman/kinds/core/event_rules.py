"""Validation of Events, whichever API they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Event

_OLDER = ("firstTimestamp", "lastTimestamp", "count")
# Not the message: Kubernetes has long let clients reword the note of an event, and they do.
_FIXED = (
    ("involvedObject", "involvedObject"), ("reason", "reason"), ("source", "source"),
    ("firstTimestamp", "firstTimestamp"), ("lastTimestamp", "lastTimestamp"), ("count", "count"), ("type", "type"),
    ("eventTime", "eventTime"), ("action", "action"), ("related", "related"),
    ("reportingComponent", "reportingController"), ("reportingInstance", "reportingInstance"),
)  # fmt: skip
_MIN_SERIES = 2
_HOME_OF_CLUSTER_EVENTS = ("default", "kube-system")
_MAX_FIELD, _MAX_MESSAGE = 128, 1024


def check(event: Event) -> Errors:
    """Events of a namespaced object are in its namespace; new ones say who reports what."""
    errors = _check_namespace(event)
    # Events of the older kind have no eventTime, and no rules either.
    return errors + _check_new_kind(event) if event.eventTime else errors


def _check_namespace(event: Event) -> Errors:
    """Where there is a new kind of event, nobody asks where an object of another namespace is."""
    namespace, about = event.metadata.namespace, event.involvedObject.namespace
    if about:
        fine = bool(event.eventTime) or namespace == about
    else:
        fine = namespace in (_HOME_OF_CLUSTER_EVENTS if event.eventTime else _HOME_OF_CLUSTER_EVENTS[:1])
    at = Path("involvedObject", "namespace")
    return [] if fine else [field.invalid(at, about, "does not match event.namespace")]


def _check_new_kind(event: Event) -> Errors:
    errors: Errors = []
    at = Path("reportingController")
    if not event.reportingComponent:
        errors.append(field.required(at))
    errors += field.all_invalid(at, event.reportingComponent, names.qualified_name(event.reportingComponent))
    for name in ("reportingInstance", "action", "reason"):
        value = getattr(event, name)
        if not value:
            errors.append(field.required(Path(name)))
        elif len(value.encode()) > _MAX_FIELD:
            errors.append(field.invalid(Path(name), "", f"can have at most {_MAX_FIELD} characters"))
    if len(event.message.encode()) > _MAX_MESSAGE:
        errors.append(field.invalid(Path("message"), "", f"can have at most {_MAX_MESSAGE} characters"))
    return errors


def check_events_v1(event: Event) -> Errors:
    """What events.k8s.io/v1 asks of a new event, beyond what is asked of every one."""
    errors = _check_series(event)
    if not event.eventTime:
        errors.append(field.required(Path("eventTime")))
    if event.type not in ("Normal", "Warning"):
        errors.append(field.invalid(Path("type"), "", f"has invalid value: {event.type}"))
    errors += [field.invalid(Path(name), "", "needs to be unset") for name in _OLDER if getattr(event, name)]
    source = event.source
    if source is not None and (source.component or source.host):
        errors.append(field.invalid(Path("source"), "", "needs to be unset"))
    return errors


def check_events_v1_update(event: Event, old: Event) -> Errors:
    """Of an event of events.k8s.io/v1 only the series and the note go on."""
    errors = [] if field.same(event.series, old.series) else _check_series(event)
    for name, shown in _FIXED:
        errors += field.immutable(Path(shown), getattr(event, name), getattr(old, name))
    return errors


def _check_series(event: Event) -> Errors:
    series = event.series
    if series is None:
        return []
    errors: Errors = []
    if (series.count or 0) < _MIN_SERIES:
        errors.append(field.invalid(Path("series.count"), "", f"should be at least {_MIN_SERIES}"))
    if not series.lastObservedTime:
        errors.append(field.required(Path("series.lastObservedTime")))
    return errors
