"""Warnings of Jobs, and of the jobs that CronJobs make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.field import Path
from steersman.kinds.core import pod_warnings

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import CronJob, Job, JobSpec

_MANY_INDEXES, _MANY_AT_ONCE = 100_000, 10_000
_UNTRACKED = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)
_ZONE = (
    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
    "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
)
_SPEC = Path("spec")
_OF_CRON_JOB = _SPEC.child("jobTemplate", "spec")


def of_job(job: Job) -> list[str]:
    return pod_warnings.of_hostname(job.metadata.name) + of_job_spec(job)


def of_job_spec(job: Job) -> list[str]:
    return _of_spec(job.spec, _SPEC)


def of_cron_job(cron_job: CronJob) -> list[str]:
    return pod_warnings.of_hostname(cron_job.metadata.name) + _of_spec(cron_job.spec.jobTemplate.spec, _OF_CRON_JOB)


def of_changed_cron_job(new: CronJob, old: CronJob) -> list[str]:
    """A time zone in the schedule is told of at every change: it cannot be set any more, and stays where it is."""
    changed = new.metadata.generation != old.metadata.generation
    out = _of_spec(new.spec.jobTemplate.spec, _OF_CRON_JOB) if changed else []
    return [*out, _ZONE] if "TZ" in new.spec.schedule else out


def _of_spec(spec: JobSpec, path: Path) -> list[str]:
    out: list[str] = []
    many = (spec.completions or 0) > _MANY_INDEXES and (spec.parallelism or 0) > _MANY_AT_ONCE
    if spec.completionMode == "Indexed" and many:
        out.append(f"{path}: {_UNTRACKED}")
    return out + pod_warnings.of_template(spec.template, path.child("template"))
