"""What a delete does to an object: remove it, mark it, or nothing. Decisions only; `registry` carries them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from steersman.api.errors import Conflict
from steersman.api.meta import Resource, format_time, parse_time
from steersman.apiserver.params import DeleteOptions, Preconditions
from steersman.kinds.finalizers import FOREGROUND, ORPHAN
from steersman.kinds.types.meta_v1 import Object, ObjectMeta


class Deletion(Enum):
    """The outcome for one object."""

    REMOVE = "remove"
    MARK = "mark"
    PENDING = "pending"


def check_preconditions(resource: Resource, meta: ObjectMeta, wanted: Preconditions | None) -> None:
    """Raise Conflict when the object is not the one, or not the version, that the caller means."""
    if wanted is None:
        return
    if wanted.uid is not None and wanted.uid != meta.uid:
        raise Conflict.of(
            resource,
            meta.name,
            f"the UID in the precondition ({wanted.uid}) does not match the UID in record ({meta.uid}). "
            "The object might have been deleted and then recreated",
        )
    if wanted.resourceVersion is not None and wanted.resourceVersion != meta.resourceVersion:
        raise Conflict.of(
            resource,
            meta.name,
            f"the ResourceVersion in the precondition ({wanted.resourceVersion}) does not match the ResourceVersion in "
            f"record ({meta.resourceVersion}). The object might have been modified",
        )


def _own_finalizers(obj: Any) -> Sequence[str]:
    return obj.metadata.finalizers or ()


def plan(
    obj: Object,
    options: DeleteOptions,
    grace: int | None,
    now: datetime,
    *,
    orphans: bool = False,
    blockers: Callable[[Any], Sequence[str]] = _own_finalizers,
) -> Deletion:
    """Decide, and change `obj`'s metadata (a copy owned by the caller) accordingly.

    `grace` is the period this object would get, or None for kinds without graceful deletion; `orphans` tells whether the
    kind's dependents are orphaned when nobody says otherwise; `blockers` names what must be gone before a removal.
    """
    meta = obj.metadata
    graceful = False
    if meta.deletionTimestamp:
        current = meta.deletionGracePeriodSeconds or 0
        if current:
            wanted = options.gracePeriodSeconds
            if wanted is None or wanted >= current:
                return Deletion.PENDING
            _shorten(meta, current, max(wanted, 0))
            graceful = True
    elif grace is not None:
        _start(meta, now, grace)
        graceful = True
    meta.finalizers = _finalizers(meta, options, orphans) or None
    if blockers(obj):
        if not graceful:
            mark(meta, now)
        return Deletion.MARK
    if graceful and meta.deletionGracePeriodSeconds:
        return Deletion.MARK
    return Deletion.REMOVE


def mark(meta: ObjectMeta, now: datetime) -> None:
    """Deleted as of now, kept only by its finalizers."""
    if not meta.deletionTimestamp and meta.generation:
        meta.generation += 1
    if not meta.deletionTimestamp or parse_time(meta.deletionTimestamp) > now:
        meta.deletionTimestamp = format_time(now)
    meta.deletionGracePeriodSeconds = 0


def finished(new: ObjectMeta, old: ObjectMeta) -> bool:
    """Whether an update took the last finalizer from an object that waited for nothing else."""
    return bool(old.deletionTimestamp) and not new.finalizers and old.deletionGracePeriodSeconds == 0


def _start(meta: ObjectMeta, now: datetime, grace: int) -> None:
    meta.deletionTimestamp = format_time(now + timedelta(seconds=grace))
    meta.deletionGracePeriodSeconds = grace
    # Whoever watches must see that the wished state has changed.
    if meta.generation:
        meta.generation += 1


def _shorten(meta: ObjectMeta, current: int, wanted: int) -> None:
    started = parse_time(meta.deletionTimestamp) - timedelta(seconds=current)
    meta.deletionTimestamp = format_time(started + timedelta(seconds=wanted))
    meta.deletionGracePeriodSeconds = wanted


def _finalizers(meta: ObjectMeta, options: DeleteOptions, orphans: bool) -> list[str]:
    """The finalizers with the garbage collector's own two as the options, or what is there, say."""
    have = meta.finalizers or []
    if options.orphanDependents is not None:
        wanted = ORPHAN if options.orphanDependents else ""
    elif options.propagationPolicy:
        wanted = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(options.propagationPolicy, "")
    else:
        wanted = next((f for f in have if f in (ORPHAN, FOREGROUND)), ORPHAN if orphans else "")
    others = [f for f in have if f not in (ORPHAN, FOREGROUND)]
    if wanted and wanted in have:
        return have if len(others) + 1 == len(have) else [*others, wanted]
    return [*others, wanted] if wanted else others
