"""Counting a Job's pods exactly once each, whatever is deleted or restarted meanwhile. Pure functions.

A pod of a Job carries a finalizer until its end is counted. First its uid is stored in the status as uncounted, then its
finalizer is removed, then the uid becomes a number: so no end is lost or counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from steersman.controllers.job_policy import Ruling, rule
from steersman.kinds.core.pod_state import is_active, is_ready, is_terminating
from steersman.kinds.types.batch_v1 import Job, UncountedTerminatedPods
from steersman.kinds.types.core_v1 import Pod

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
"""Annotation of a pod: how many before it have failed at its index, and count."""
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
"""The same of those that a pod failure policy says do not count."""
_MAX_COUNT = 2**31 - 1


def is_indexed(job: Job) -> bool:
    return job.spec.completionMode == "Indexed"


def index_of(pod: Pod) -> int | None:
    text = (pod.metadata.annotations or {}).get(INDEX, "")
    return int(text) if text.isdigit() else None


def per_index(job: Job) -> bool:
    """Whether each index has a limit of failures of its own."""
    return is_indexed(job) and job.spec.backoffLimitPerIndex is not None


def failures_before(pod: Pod) -> tuple[int, int]:
    """How many pods have failed at the pod's index before it: those that count, and those that do not."""
    return _annotated(pod, FAILURES), _annotated(pod, IGNORED)


def _annotated(pod: Pod, name: str) -> int:
    text = (pod.metadata.annotations or {}).get(name, "")
    number = int(text) if text.isdigit() and len(text) <= 10 else 0
    return number if number <= _MAX_COUNT else 0


def failures_after(job: Job, pod: Pod) -> tuple[int, int]:
    """What a pod that takes the place of a failed one is told."""
    counted, ignored = failures_before(pod)
    return (counted, ignored + 1) if _is_ignored(job, pod) else (counted + 1, ignored)


def _is_ignored(job: Job, pod: Pod) -> bool:
    """Whether a rule says that a failed pod does not count."""
    ruling = rule(job, pod)
    return ruling is not None and ruling.action == "Ignore"


def _ends_index(job: Job, pod: Pod) -> bool:
    """Whether a failed pod is the last that its index may have."""
    ruling = rule(job, pod)
    if ruling is not None and ruling.action in ("FailIndex", "Ignore"):
        return ruling.action == "FailIndex"
    return failures_before(pod)[0] >= (job.spec.backoffLimitPerIndex or 0)


def parse_indexes(text: str) -> set[int]:
    """`1,3-5` as a set; malformed parts are left out."""
    found: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        if low.isdigit():
            found.update(range(int(low), int(high if high.isdigit() else low) + 1))
    return found


def format_indexes(indexes: Iterable[int]) -> str:
    """A set as `1,3-5`: neighbours of three or more, or two, are joined by a hyphen."""
    ranges: list[list[int]] = []
    for index in sorted(indexes):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(low) if low == high else f"{low}{'-' if high > low + 1 else ','}{high}" for low, high in ranges)


@dataclass(slots=True)
class Tally:
    """The state of a Job's pods. `succeeded` and `failed` are totals, with what is still uncounted."""

    active: list[Pod] = field(default_factory=list)
    terminating: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    indexes: set[int] = field(default_factory=set)
    failed_indexes: set[int] = field(default_factory=set)
    # The last failed pod of each index that is to have another, which is told of it: until then its end is not counted.
    replaced: dict[int, Pod] = field(default_factory=dict)
    # Numbers that may go into the status for good, and uids that must be there before their finalizers go.
    settled_succeeded: int = 0
    settled_failed: int = 0
    uncounted: UncountedTerminatedPods = field(default_factory=UncountedTerminatedPods)
    # Finalizers to remove once the status with `uncounted` and `indexes` is stored.
    release: list[Pod] = field(default_factory=list)
    # Why a failed pod fails the whole Job, if a rule says so.
    fatal: Ruling | None = None


def has_finalizer(pod: Pod) -> bool:
    return FINALIZER in (pod.metadata.finalizers or ())


def tally(job: Job, pods: Sequence[Pod], *, ending: str) -> Tally:
    """Count the pods. `ending` is Complete or Failed when the Job's fate is decided already, otherwise empty."""
    result = Tally()
    _settle(job, pods, result)
    known = {*(result.uncounted.succeeded or ()), *(result.uncounted.failed or ())}
    completions = job.spec.completions or 0
    if is_indexed(job):
        result.indexes = {i for i in parse_indexes(job.status.completedIndexes) if i < completions}
    if per_index(job):
        _look_at_indexes(job, pods, ending, result)
    waiting = {pod.metadata.uid for pod in result.replaced.values()}
    for pod in pods:
        if is_active(pod):
            result.active.append(pod)
            result.ready += is_ready(pod)
        elif is_terminating(pod):
            result.terminating += 1
        if not has_finalizer(pod):
            continue
        if pod.metadata.uid in waiting:
            result.failed += not _is_ignored(job, pod)
            continue
        if pod.metadata.uid in known:
            result.release.append(pod)
        else:
            _count(job, pod, ending, result)
    if is_indexed(job):
        result.settled_succeeded = result.succeeded = len(result.indexes)
    return result


def _look_at_indexes(job: Job, pods: Sequence[Pod], ending: str, result: Tally) -> None:
    """Which indexes have failed for good, and which failed pods are to be replaced."""
    completions = job.spec.completions or 0
    result.failed_indexes = {i for i in parse_indexes(job.status.failedIndexes) if i < completions}
    busy: set[int | None] = {index_of(pod) for pod in pods if is_active(pod)}
    done = result.indexes | {i for pod in pods if pod.status.phase == "Succeeded" and (i := index_of(pod)) is not None}
    failed = [
        (index, pod)
        for pod in pods
        if has_finalizer(pod) and _has_failed(job, pod) and (index := index_of(pod)) is not None
    ]
    for index, pod in failed:
        # What is deleted because the Job ends has not failed.
        by_itself = not ending or (pod.status.phase == "Failed" and not pod.metadata.deletionTimestamp)
        if by_itself and index < completions and _ends_index(job, pod):
            result.failed_indexes.add(index)
    if ending or job.metadata.deletionTimestamp:
        return
    for index, pod in sorted(failed, key=lambda item: sum(failures_before(item[1]))):
        if index < completions and index not in busy | done | result.failed_indexes:
            result.replaced[index] = pod


def _settle(job: Job, pods: Sequence[Pod], result: Tally) -> None:
    """Uids whose finalizer is gone become numbers; the others stay uncounted."""
    status = job.status
    held = {pod.metadata.uid for pod in pods if has_finalizer(pod)}
    uncounted = status.uncountedTerminatedPods or UncountedTerminatedPods()
    succeeded, failed = list(uncounted.succeeded or ()), list(uncounted.failed or ())
    result.uncounted.succeeded = [uid for uid in succeeded if uid in held] or None
    result.uncounted.failed = [uid for uid in failed if uid in held] or None
    result.succeeded = status.succeeded + len(succeeded)
    result.failed = status.failed + len(failed)
    result.settled_succeeded = result.succeeded - len(result.uncounted.succeeded or ())
    result.settled_failed = result.failed - len(result.uncounted.failed or ())


def _count(job: Job, pod: Pod, ending: str, result: Tally) -> None:
    """One pod that is not counted yet."""
    uid = pod.metadata.uid
    if pod.status.phase == "Succeeded":
        result.release.append(pod)
        if not is_indexed(job):
            result.succeeded += 1
            result.uncounted.succeeded = [*(result.uncounted.succeeded or ()), uid]
            return
        index = index_of(pod)
        if index is not None and index < (job.spec.completions or 0):
            result.indexes.add(index)
    elif _has_failed(job, pod):
        ruling = rule(job, pod)
        if ruling is not None and ruling.action == "FailJob":
            result.fatal = result.fatal or ruling
        result.release.append(pod)
        ignored = ruling is not None and ruling.action == "Ignore"
        # What is deleted because the Job is complete has not failed.
        by_itself = ending != "Complete" or (pod.status.phase == "Failed" and not pod.metadata.deletionTimestamp)
        if not ignored and by_itself:
            result.failed += 1
            result.uncounted.failed = [*(result.uncounted.failed or ()), uid]


def _has_failed(job: Job, pod: Pod) -> bool:
    """Whether the pod will not succeed any more. One that is deleted never may, unless the Job waits for its end."""
    if pod.status.phase == "Failed":
        return True
    return bool(pod.metadata.deletionTimestamp) and not replaces_failed_only(job)


def replaces_failed_only(job: Job) -> bool:
    """Whether a pod that is being deleted counts as running until it has ended."""
    return job.spec.podReplacementPolicy == "Failed" or job.spec.podFailurePolicy is not None
