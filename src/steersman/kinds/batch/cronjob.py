"""CronJob: Jobs at set times."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.duration import age
from steersman.api.meta import Resource
from steersman.kinds.batch import cronjob_rules, job_warnings
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, NONE, boolean, containers, created, selector
from steersman.kinds.core.pod_defaults import default_template
from steersman.kinds.kind import AGE, NAME, Column, Kind, older

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import CronJob


def _row(obj: CronJob, now: datetime) -> list[Any]:
    spec, job = obj.spec, obj.spec.jobTemplate.spec
    return [
        obj.metadata.name,
        spec.schedule,
        spec.timeZone or NONE,
        boolean(spec.suspend),
        len(obj.status.active or ()),
        age(obj.status.lastScheduleTime, now) if obj.status.lastScheduleTime else NONE,
        created(obj, now),
        *containers(job.template.spec.containers),
        selector(job.selector),
    ]


def _default(obj: CronJob) -> None:
    spec = obj.spec
    default_template(spec.jobTemplate.spec.template)
    spec.concurrencyPolicy = spec.concurrencyPolicy or "Allow"
    spec.suspend = bool(spec.suspend)
    if spec.successfulJobsHistoryLimit is None:
        spec.successfulJobsHistoryLimit = 3
    if spec.failedJobsHistoryLimit is None:
        spec.failedJobsHistoryLimit = 1


KIND: Kind[CronJob] = Kind(
    resource=Resource("batch", "v1", "cronjobs", "CronJob", True),
    versions=(
        older(Resource("batch", "v1beta1", "cronjobs", "CronJob", True), "1.21", "1.25"),
        older(Resource("batch", "v2alpha1", "cronjobs", "CronJob", True), "1.8", "1.21"),
    ),
    short_names=("cj",),
    categories=("all",),
    subresources=frozenset({"status"}),
    generation=True,
    columns=(
        NAME,
        Column("Schedule"),
        Column("Timezone"),
        Column("Suspend", "boolean"),
        Column("Active", "integer"),
        Column("Last Schedule"),
        AGE,
        *CONTAINERS_AND_SELECTOR,
    ),
    row=_row,
    default=_default,
    check=cronjob_rules.check,
    check_new=cronjob_rules.check_new,
    check_update=cronjob_rules.check_update,
    warnings=job_warnings.of_cron_job,
    update_warnings=job_warnings.of_changed_cron_job,
)
