"""Job: pods that run to their end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import meta
from steersman.api.duration import human
from steersman.api.meta import Resource
from steersman.kinds.apps.workload_warnings import of_change
from steersman.kinds.batch import job_older, job_rules, job_status_rules, job_warnings
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, containers, created, selector
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import Job


def _row(obj: Job, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        _status(obj),
        _completions(obj),
        _duration(obj, now),
        created(obj, now),
        *containers(obj.spec.template.spec.containers),
        selector(obj.spec.selector),
    ]


_STATES = (
    ("Complete", "Complete"),
    ("Failed", "Failed"),
    ("", "Terminating"),
    ("Suspended", "Suspended"),
    ("FailureTarget", "FailureTarget"),
    ("SuccessCriteriaMet", "SuccessCriteriaMet"),
)
"""Condition types and what is shown for them, the weightiest first; a deletion comes after the ends."""


def _status(obj: Job) -> str:
    true = {c.type for c in obj.status.conditions or () if c.status == "True"}
    for kind, shown in _STATES:
        if kind in true or (not kind and obj.metadata.deletionTimestamp):
            return shown
    return "Running"


def _completions(obj: Job) -> str:
    if obj.spec.completions is not None:
        return f"{obj.status.succeeded}/{obj.spec.completions}"
    several = (obj.spec.parallelism or 0) > 1
    return f"{obj.status.succeeded}/1" + (f" of {obj.spec.parallelism}" if several else "")


def _duration(obj: Job, now: datetime) -> str:
    if not obj.status.startTime:
        return ""
    end = meta.parse_time(obj.status.completionTime) if obj.status.completionTime else now
    return human((end - meta.parse_time(obj.status.startTime)).total_seconds())


KIND: Kind[Job] = Kind(
    resource=Resource("batch", "v1", "jobs", "Job", True),
    versions=job_older.JOB,
    categories=("all",),
    subresources=frozenset({"status"}),
    generation=True,
    columns=(NAME, Column("Status"), Column("Completions"), Column("Duration"), AGE, *CONTAINERS_AND_SELECTOR),
    row=_row,
    selectable=lambda obj: {"status.successful": str(obj.status.succeeded)},
    default=job_rules.default,
    on_create=job_rules.on_create,
    check=job_rules.check,
    check_new=job_rules.check_new,
    check_update=job_rules.check_update,
    check_status_update=job_status_rules.check_update,
    warnings=job_warnings.of_job,
    update_warnings=of_change(job_warnings.of_job_spec),
)
