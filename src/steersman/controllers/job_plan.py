"""What a Job's pods mean for the Job: its end, the pods to make and to delete, its back-off. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from steersman.api.meta import parse_time
from steersman.controllers.job_success import matched
from steersman.controllers.job_tally import (
    Tally,
    failures_before,
    index_of,
    is_indexed,
    per_index,
    replaces_failed_only,
)
from steersman.controllers.replicas import rank
from steersman.kinds.core.pod_state import condition as pod_condition
from steersman.kinds.types.batch_v1 import Job, JobCondition
from steersman.kinds.types.core_v1 import ContainerStatus, Pod

COMPLETE, FAILED, SUSPENDED = "Complete", "Failed", "Suspended"
SUCCESS_MET, FAILURE_TARGET = "SuccessCriteriaMet", "FailureTarget"
FIRST_BACKOFF, LONGEST_BACKOFF = 10.0, 600.0
BURST = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a Job ends: Complete or Failed, and why."""

    type: str
    reason: str
    message: str


def condition(job: Job, type_: str) -> JobCondition | None:
    for found in job.status.conditions or ():
        if found.type == type_ and found.status == "True":
            return found
    return None


def is_finished(job: Job) -> bool:
    return condition(job, COMPLETE) is not None or condition(job, FAILED) is not None


def decided(job: Job) -> Verdict | None:
    """The verdict that the status tells already; the Job only waits for its pods to end."""
    for interim, final in ((SUCCESS_MET, COMPLETE), (FAILURE_TARGET, FAILED)):
        found = condition(job, interim)
        if found is not None:
            return Verdict(final, found.reason, found.message)
    return None


def judge(job: Job, counted: Tally, pods: Iterable[Pod], now: datetime) -> Verdict | None:
    """Whether the Job has come to an end, and which."""
    if counted.fatal is not None:
        return Verdict(FAILED, "PodFailurePolicy", counted.fatal.message)
    limit = 6 if job.spec.backoffLimit is None else job.spec.backoffLimit
    if counted.failed > limit or _restarted_too_often(job, pods, limit):
        return Verdict(FAILED, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    left = seconds_to_deadline(job, now)
    if left is not None and left <= 0:
        return Verdict(FAILED, "DeadlineExceeded", "Job was active longer than specified deadline")
    by_index = _judge_indexes(job, counted) if is_indexed(job) else None
    if by_index is not None:
        return by_index
    wanted = job.spec.completions
    done = counted.succeeded > 0 and not counted.active if wanted is None else counted.succeeded >= wanted
    if done and not job.spec.suspend:
        return Verdict(COMPLETE, "CompletionsReached", "Reached expected number of succeeded pods")
    return None


def _judge_indexes(job: Job, counted: Tally) -> Verdict | None:
    """Whether too many indexes have failed or none is left, or enough have succeeded."""
    failed, most = len(counted.failed_indexes), job.spec.maxFailedIndexes
    if per_index(job):
        if most is not None and failed > most:
            message = "Job has exceeded the specified maximal number of failed indexes"
            return Verdict(FAILED, "MaxFailedIndexesExceeded", message)
        if failed and failed + len(counted.indexes) >= (job.spec.completions or 0):
            return Verdict(FAILED, "FailedIndexes", "Job has failed indexes")
    message = matched(job, counted.indexes)
    return Verdict(COMPLETE, "SuccessPolicy", message) if message else None


def _restarted_too_often(job: Job, pods: Iterable[Pod], limit: int) -> bool:
    """With restartPolicy OnFailure containers are restarted in place: their restarts count as failures."""
    if job.spec.template.spec.restartPolicy != "OnFailure":
        return False
    restarts: int = sum(
        status.restartCount
        for pod in pods
        if pod.status.phase in ("Running", "Pending")
        for status in [*(pod.status.initContainerStatuses or ()), *(pod.status.containerStatuses or ())]
    )
    return restarts > 0 if limit == 0 else restarts >= limit


def seconds_to_deadline(job: Job, now: datetime) -> float | None:
    """Until activeDeadlineSeconds is over; None without a deadline or while suspended."""
    if job.spec.activeDeadlineSeconds is None or not job.status.startTime or job.spec.suspend:
        return None
    return job.spec.activeDeadlineSeconds - (now - parse_time(job.status.startTime)).total_seconds()


@dataclass(frozen=True, slots=True)
class Work:
    """Pods to delete, and pods to make: so many, or for these indexes. `wait` is how long failures delay making more."""

    delete: tuple[Pod, ...] = ()
    create: int = 0
    indexes: tuple[int, ...] = ()
    wait: float | None = None


def plan(job: Job, counted: Tally, pods: Sequence[Pod], now: datetime) -> Work:
    """How many pods should be active now, and the way there."""
    parallelism = 1 if job.spec.parallelism is None else job.spec.parallelism
    active, completions = counted.active, job.spec.completions
    if completions is None:
        want = len(active) if counted.succeeded > 0 else parallelism
        want = min(want, parallelism)
    else:
        want = max(0, min(completions - counted.succeeded, parallelism))
    surplus = len(active) - want
    extra = _misplaced(counted, completions or 0) if is_indexed(job) else []
    if surplus > len(extra):
        names = {pod.metadata.name for pod in extra}
        others = [pod for pod in active if pod.metadata.name not in names]
        extra += rank(others, active, now)[: surplus - len(extra)]
    if extra:
        return Work(delete=tuple(extra[:BURST]))
    missing = want - len(active) - (counted.terminating if replaces_failed_only(job) else 0)
    if missing <= 0:
        return Work()
    wait = 0.0 if per_index(job) else backoff(pods, now)
    if wait > 0:
        return Work(wait=wait)
    missing = min(missing, BURST)
    if not is_indexed(job):
        return Work(create=missing)
    if per_index(job):
        return _independent(job, counted, pods, missing, now)
    indexes = _free_indexes(job, counted, pods, completions or 0)[:missing]
    return Work(create=len(indexes), indexes=tuple(indexes))


def _independent(job: Job, counted: Tally, pods: Sequence[Pod], missing: int, now: datetime) -> Work:
    """Each index waits after its own failures, and for those of no other."""
    ready: list[int] = []
    waits: list[float] = []
    for index in _free_indexes(job, counted, pods, job.spec.completions or 0):
        wait = index_backoff(counted.replaced[index], now) if index in counted.replaced else 0.0
        if wait > 0:
            waits.append(wait)
        else:
            ready.append(index)
    ready = ready[:missing]
    return Work(create=len(ready), indexes=tuple(ready), wait=min(waits, default=None))


def index_backoff(failed: Pod, now: datetime) -> float:
    """Seconds until an index may have another pod after this one has failed."""
    return _left(1 + sum(failures_before(failed)), _ended_at(failed), now)


def _misplaced(counted: Tally, completions: int) -> list[Pod]:
    """Active pods whose index is done, taken twice, or none of the Job's."""
    by_index: dict[int | None, list[Pod]] = defaultdict(list)
    for pod in counted.active:
        by_index[index_of(pod)].append(pod)
    found: list[Pod] = []
    for index, pods in by_index.items():
        if index is None or index >= completions or index in counted.indexes:
            found += pods
        else:
            found += sorted(pods, key=lambda p: (p.metadata.creationTimestamp, p.metadata.name))[1:]
    return found


def _free_indexes(job: Job, counted: Tally, pods: Sequence[Pod], completions: int) -> list[int]:
    """The lowest indexes that are not done and have no pod."""
    busy = {index_of(pod) for pod in counted.active}
    if replaces_failed_only(job):
        busy |= {index_of(pod) for pod in pods if pod.metadata.deletionTimestamp and pod.status.phase != "Failed"}
    return [
        i for i in range(completions) if i not in busy and i not in counted.indexes and i not in counted.failed_indexes
    ]


def backoff(pods: Iterable[Pod], now: datetime) -> float:
    """Seconds until a new pod may be made: longer with each failure since the last success."""
    failures = sorted(_ended_at(pod) for pod in pods if pod.status.phase == "Failed")
    success = max((_ended_at(pod) for pod in pods if pod.status.phase == "Succeeded"), default=None)
    recent = [moment for moment in failures if success is None or moment > success]
    if not recent:
        return 0.0
    return _left(len(recent), recent[-1], now)


def _left(failures: int, last: datetime, now: datetime) -> float:
    delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 20))
    return max(0.0, delay - (now - last).total_seconds())


def _ended_at(pod: Pod) -> datetime:
    """When the pod finished, as well as can be known."""
    ends = [_container_end(status) for status in pod.status.containerStatuses or ()]
    ready = pod_condition(pod, "Ready")
    candidates = [
        max((end for end in ends if end), default=""),
        ready.lastTransitionTime if ready is not None else "",
        pod.metadata.deletionTimestamp,
        pod.metadata.creationTimestamp,
    ]
    return parse_time(next(c for c in candidates if c))


def _container_end(status: ContainerStatus) -> str:
    ended = status.state.terminated if status.state is not None else None
    return ended.finishedAt if ended is not None else ""
