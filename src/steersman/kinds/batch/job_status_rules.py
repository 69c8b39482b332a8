"""Validation of what is reported of a job: how it ends, which indexes are done, and that none of it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import OMITTED, Errors, Path
from steersman.kinds.apps.workload_rules import check_counts
from steersman.kinds.batch.job_indexes import IndexesError, overlap, parse_intervals

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import Job, JobStatus

_STATUS = Path("status")
_CONDITIONS = _STATUS.child("conditions")
_FINAL = ("Complete", "Failed")


def check_update(job: Job, old: Job) -> Errors:
    status = job.status
    errors = check_counts(status, _STATUS, "active", "succeeded", "failed", "ready", "terminating")
    errors += _check_uncounted(status)
    errors += _check_conditions(job, old)
    errors += _check_times(job, old)
    errors += _check_finished(job, old)
    errors += _check_indexes(job, old)
    if status.ready is not None and status.ready > status.active and _changed(job, old, "ready", "active"):
        errors.append(field.invalid(_STATUS.child("ready"), status.ready, "cannot set more ready pods than active"))
    return errors + _check_taken_back(job, old)


def _changed(job: Job, old: Job, *names: str) -> bool:
    return any(not field.same(getattr(job.status, name), getattr(old.status, name)) for name in names)


def _true(job: Job) -> set[str]:
    return {c.type for c in job.status.conditions or () if c.status == "True"}


def _false(job: Job) -> set[str]:
    return {c.type for c in job.status.conditions or () if c.status == "False"}


def _check_uncounted(status: JobStatus) -> Errors:
    if status.uncountedTerminatedPods is None:
        return []
    errors: Errors = []
    seen: set[str] = set()
    for name in ("succeeded", "failed"):
        at = _STATUS.child("uncountedTerminatedPods", name)
        for i, uid in enumerate(getattr(status.uncountedTerminatedPods, name) or ()):
            if not uid:
                errors.append(field.invalid(at.index(i), uid, "must not be empty"))
            elif uid in seen:
                errors.append(field.duplicate(at.index(i), uid))
            seen.add(uid)
    return errors


def _check_conditions(job: Job, old: Job) -> Errors:
    """A job ends in one way, and says beforehand in which."""
    now = _true(job)
    turned = now ^ _true(old)
    ended = "SuccessCriteriaMet" in now
    return [
        field.invalid(_CONDITIONS, OMITTED, detail)
        for wrong, detail in (
            (turned & {*_FINAL} and {*_FINAL} <= now, "cannot set Complete=True and Failed=true conditions"),
            (
                turned & {"Complete", "FailureTarget"} and {"Complete", "FailureTarget"} <= now,
                "cannot set Complete=True and FailureTarget=true conditions",
            ),
            (
                ("Failed" in turned or _changed(job, old, "failedIndexes"))
                and "Failed" in now
                and "FailureTarget" not in now,
                "cannot set Failed=True condition without the FailureTarget=true condition",
            ),
            (
                turned & {"Complete", "SuccessCriteriaMet"} and "Complete" in now and not ended,
                "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
            ),
            (ended and "Failed" in now, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
            (ended and "FailureTarget" in now, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
            (
                job.spec.successPolicy is not None and not ended and "Complete" in now,
                "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
            ),
        )
        if wrong
    ]


def _check_times(job: Job, old: Job) -> Errors:
    status, at = job.status, _STATUS.child("completionTime")
    complete = "Complete" in _true(job)
    errors: Errors = []
    if complete is not ("Complete" in _true(old)) or _changed(job, old, "completionTime"):
        if status.completionTime and not complete:
            detail = "cannot set completionTime when there is no Complete=True condition"
            errors.append(field.invalid(at, status.completionTime, detail))
        elif complete and not status.completionTime:
            errors.append(field.required(at, "completionTime is required for Complete jobs"))
    # Times are written the same way, so that they compare as they are.
    if (
        _changed(job, old, "startTime", "completionTime")
        and status.startTime
        and status.completionTime
        and status.completionTime < status.startTime
    ):
        errors.append(field.invalid(at, status.completionTime, "must be equal to or after `startTime`"))
    return errors


def _check_finished(job: Job, old: Job) -> Errors:
    """A job that has ended has started, and no pods of it are left or uncounted."""
    if not _true(job).intersection(_FINAL):
        return []
    status = job.status
    ends = not _true(old).intersection(_FINAL)
    errors: Errors = []
    if status.active > 0 and (ends or _changed(job, old, "active")):
        errors.append(field.invalid(_STATUS.child("active"), status.active, "active>0 is invalid for finished job"))
    never = bool(job.spec.suspend) and job.spec.completions == 0
    if not status.startTime and not never and (ends or _changed(job, old, "startTime")):
        errors.append(field.required(_STATUS.child("startTime"), "startTime is required for finished job"))
    left = status.uncountedTerminatedPods
    uncounted = left is not None and bool(left.failed or left.succeeded)
    if uncounted and (ends or _changed(job, old, "uncountedTerminatedPods")):
        detail = "must be empty for finished job"
        errors.append(field.invalid(_STATUS.child("uncountedTerminatedPods"), left, detail))
    if (status.terminating or 0) > 0 and (ends or _changed(job, old, "terminating")):
        detail = "terminating>0 is invalid for finished job"
        errors.append(field.invalid(_STATUS.child("terminating"), status.terminating, detail))
    return errors


def _check_indexes(job: Job, old: Job) -> Errors:
    status, completions = job.status, job.spec.completions
    if not _changed(job, old, "completedIndexes", "failedIndexes"):
        return []
    errors: Errors = []
    given = {name: text for name in ("completedIndexes", "failedIndexes") if (text := getattr(status, name))}
    parsed = {}
    for name, text in given.items():
        try:
            parsed[name] = parse_intervals(text, completions) if completions is not None else []
        except IndexesError as e:
            if _changed(job, old, name):
                errors.append(field.invalid(_STATUS.child(name), text, f"error parsing {name}: {e}"))
    if _changed(job, old, "completedIndexes") and status.completedIndexes and job.spec.completionMode != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errors.append(field.invalid(_STATUS.child("completedIndexes"), status.completedIndexes, detail))
    at = _STATUS.child("failedIndexes")
    if _changed(job, old, "failedIndexes") and status.failedIndexes and job.spec.backoffLimitPerIndex is None:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errors.append(field.invalid(at, status.failedIndexes, detail))
    both = overlap(parsed.get("completedIndexes", []), parsed.get("failedIndexes", []))
    if both is not None:
        detail = f"failedIndexes and completedIndexes overlap at index: {both}"
        errors.append(field.invalid(at, status.failedIndexes, detail))
    return errors


def _check_taken_back(job: Job, old: Job) -> Errors:
    status, before = job.status, old.status
    now, then = _true(job), _true(old)
    errors: Errors = [
        field.invalid(_CONDITIONS, OMITTED, f"cannot disable the terminal {kind}=True condition")
        for kind in ("Failed", "Complete", "FailureTarget")
        if kind in then - now
    ]
    if status.failed < before.failed:
        errors.append(field.invalid(_STATUS.child("failed"), status.failed, "cannot decrease the failed counter"))
    # A job of as many completions as pods at a time may shrink, and what was done is then too much.
    elastic = job.spec.completionMode == "Indexed" and job.spec.completions == job.spec.parallelism
    if status.succeeded < before.succeeded and not elastic:
        at = _STATUS.child("succeeded")
        errors.append(field.invalid(at, status.succeeded, "cannot decrease the succeeded counter"))
    if status.completionTime and before.completionTime and status.completionTime != before.completionTime:
        at = _STATUS.child("completionTime")
        errors.append(field.invalid(at, status.completionTime, field.IMMUTABLE))
    if (
        before.startTime
        and before.startTime != status.startTime
        and not job.spec.suspend
        and not ("Suspended" in then and "Suspended" in _false(job))
    ):
        detail = "field is immutable for unsuspended job once set"
        errors.append(field.invalid(_STATUS.child("startTime"), status.startTime or None, detail))
    if "SuccessCriteriaMet" in then - now:
        errors.append(field.invalid(_CONDITIONS, OMITTED, "cannot disable the SuccessCriteriaMet=True condition"))
    if "SuccessCriteriaMet" in now - then and "Complete" in then:
        detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        errors.append(field.invalid(_CONDITIONS, OMITTED, detail))
    return errors
