"""Validation of CronJobs."""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING

from steersman.api import cron, field
from steersman.api.field import Errors, Path
from steersman.kinds.apps.workload_rules import check_counts
from steersman.kinds.batch import job_rules

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import CronJob, CronJobSpec

# A job's name is the cron job's and eleven characters of its time.
NAME_MAX = 52
_POLICIES = ("Allow", "Forbid", "Replace")
_SPEC = Path("spec")
_ZONE = re.compile("^(CRON_)?TZ=[^ ]* +")
_ZONE_PART = re.compile("[A-Za-z._0-9+-]{1,14}", re.ASCII)


def check_new(cron_job: CronJob) -> Errors:
    errors = _check_zone_in_schedule(cron_job.spec) + _check_zone(cron_job.spec)
    if len(cron_job.metadata.name) > NAME_MAX:
        at = Path("metadata", "name")
        errors.append(field.invalid(at, cron_job.metadata.name, f"must be no more than {NAME_MAX} characters"))
    return errors


def check_update(cron_job: CronJob, old: CronJob) -> Errors:
    """A cron job from before it could have a time zone may keep the one in its schedule."""
    spec, before = cron_job.spec, old.spec
    errors: Errors = []
    if "TZ" not in before.schedule:
        errors += _check_zone_in_schedule(spec)
    elif "TZ" in spec.schedule and spec.timeZone is not None:
        detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        errors.append(field.invalid(_SPEC.child("schedule"), spec.schedule, detail))
    return errors if spec.timeZone == before.timeZone else errors + _check_zone(spec)


def check(cron_job: CronJob) -> Errors:
    spec = cron_job.spec
    errors = _check_schedule(spec)
    errors += check_counts(spec, _SPEC, "startingDeadlineSeconds")
    errors += field.check_choice(spec.concurrencyPolicy, _POLICIES, _SPEC.child("concurrencyPolicy"))
    errors += _check_template(spec, _SPEC.child("jobTemplate", "spec"))
    return errors + check_counts(spec, _SPEC, "successfulJobsHistoryLimit", "failedJobsHistoryLimit")


def _check_schedule(spec: CronJobSpec) -> Errors:
    if not spec.schedule:
        return [field.required(_SPEC.child("schedule"))]
    try:
        cron.parse(_ZONE.sub("", spec.schedule))
    except cron.CronError as e:
        return [field.invalid(_SPEC.child("schedule"), spec.schedule, str(e))]
    return []


def _check_zone_in_schedule(spec: CronJobSpec) -> Errors:
    if "TZ" not in spec.schedule:
        return []
    detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
    return [field.invalid(_SPEC.child("schedule"), spec.schedule, detail)]


def _check_zone(spec: CronJobSpec) -> Errors:
    zone, at = spec.timeZone, _SPEC.child("timeZone")
    if zone is None:
        return []
    if not zone:
        return [field.invalid(at, zone, "timeZone must be nil or non-empty string")]
    if any(p in (".", "..") or p.startswith("-") or not _ZONE_PART.fullmatch(p) for p in zone.split("/")):
        return [field.invalid(at, zone, f"unknown time zone {zone}")]
    if zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [field.invalid(at, zone, detail)]
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return [field.invalid(at, zone, f"unknown time zone {zone}")]
    return []


def _check_template(spec: CronJobSpec, path: Path) -> Errors:
    job = spec.jobTemplate.spec
    errors = job_rules.check_spec(job, path)
    if job.selector is not None:
        errors.append(field.invalid(path.child("selector"), job.selector, "`selector` will be auto-generated"))
    if job.manualSelector:
        errors.append(field.not_supported(path.child("manualSelector"), job.manualSelector, ("nil", "false")))
    return errors
