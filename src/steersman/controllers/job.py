"""Runs Jobs: makes pods until enough of them have succeeded, and counts each end exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steersman.api import codec, labels
from steersman.api.errors import NotFound
from steersman.api.meta import format_time, random_suffix
from steersman.client.informer import key_of
from steersman.controller.batches import Outcome, at_once, slow_start
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import claim, controller_of
from steersman.controller.pod_control import PodControl, namespace_ends, pod_from
from steersman.controllers import job_plan
from steersman.controllers.job_plan import COMPLETE, FAILED, FAILURE_TARGET, SUCCESS_MET, SUSPENDED, Verdict
from steersman.controllers.job_tally import (
    FAILURES,
    FINALIZER,
    IGNORED,
    INDEX,
    Tally,
    failures_after,
    format_indexes,
    has_finalizer,
    is_indexed,
    per_index,
    tally,
)
from steersman.controllers.replica_reconciler import index_pods, pods_of
from steersman.kinds.core.pod_state import is_active
from steersman.kinds.types.batch_v1 import Job, JobCondition, JobStatus
from steersman.kinds.types.core_v1 import EnvVar, EnvVarSource, ObjectFieldSelector, Pod

MANAGER = "kubernetes.io/job-controller"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
_NAME_LENGTH = 63


def by_tracking_job(pod: Pod) -> Iterable[str]:
    """Index: the key of the Job whose finalizer the pod carries."""
    ref = controller_of(pod)
    if ref is None or ref.kind != "Job" or not has_finalizer(pod):
        return ()
    return (f"{pod.metadata.namespace}/{ref.name}",)


class Jobs:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._client, self._clock, self._recorder = context.client, context.clock, context.recorder
        self._jobs = context.informers.informer(Job)
        self._pods = context.informers.informer(Pod)
        index_pods(context)
        self._pods.add_index("tracking", by_tracking_job)
        self._control = PodControl(context.client, context.recorder)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        job = self._jobs.get(key)
        if job is None:
            self._writes.forget(key)
            await self._release_strangers(key, "")
            return None
        if job.spec.managedBy not in ("", MANAGER):
            return None
        if not self._writes.seen(key):
            return SOON
        await self._release_strangers(key, job.metadata.uid)
        if job_plan.is_finished(job):
            await self._release(key, [p for p in self._pods.by("controlled", job.metadata.uid) if has_finalizer(p)])
            return None
        return await self._work(key, job)

    async def _work(self, key: str, job: Job) -> float | None:
        selector = labels.from_object(job.spec.selector)
        candidates = pods_of(self._context, job.metadata.uid, job.metadata.namespace)
        pods: list[Pod] = await claim(self._client, job, selector, candidates)
        now = self._clock.now()
        verdict = job_plan.decided(job)
        counted = tally(job, pods, ending=verdict.type if verdict is not None else "")
        verdict = verdict or job_plan.judge(job, counted, pods, now)
        if verdict is not None and counted.replaced:
            # Nobody takes the place of these any more.
            counted = tally(job, pods, ending=verdict.type)
        work = self._plan(job, counted, pods, verdict)
        outcome = await self._act(key, job, work, counted, ends=verdict is not None)
        await self._report(key, job, counted, verdict)
        await self._release(key, counted.release)
        if outcome.error is not None and not namespace_ends(outcome.error):
            raise outcome.error
        waits = (work.wait, job_plan.seconds_to_deadline(job, now) if verdict is None else None)
        return min((wait for wait in waits if wait is not None and wait > 0), default=None)

    def _plan(self, job: Job, counted: Tally, pods: Sequence[Pod], verdict: Verdict | None) -> job_plan.Work:
        if job.metadata.deletionTimestamp:
            return job_plan.Work()
        if verdict is not None or job.spec.suspend:
            return job_plan.Work(delete=tuple(counted.active))
        return job_plan.plan(job, counted, pods, self._clock.now())

    # Pods

    async def _act(self, key: str, job: Job, work: job_plan.Work, counted: Tally, *, ends: bool) -> Outcome:
        async def create(number: int) -> None:
            index = work.indexes[number] if work.indexes else None
            pod = new_pod(job, index)
            if per_index(job) and index is not None:
                tell_of_failures(pod, job, counted.replaced.get(index))
            self._writes.wrote(key, self._pods, await self._control.create(pod, job))

        async def delete(number: int) -> None:
            if not ends:
                # It is one too many and has not failed: its end does not count.
                await self._release_one(key, work.delete[number])
            self._writes.wrote(key, self._pods, await self._control.delete(work.delete[number], job))

        if work.delete:
            return await at_once([delete] * len(work.delete))
        return await slow_start(work.create, create)

    async def _release(self, key: str, pods: Sequence[Pod]) -> None:
        """Take the finalizer from pods whose end is in the status."""

        async def release(number: int) -> None:
            await self._release_one(key, pods[number])

        outcome = await at_once([release] * len(pods))
        if outcome.error is not None:
            raise outcome.error

    async def _release_one(self, key: str, pod: Pod) -> None:
        meta = pod.metadata
        finalizers = [f for f in meta.finalizers or () if f != FINALIZER]
        body = {"metadata": {"resourceVersion": meta.resourceVersion, "finalizers": finalizers or None}}
        try:
            stored = await self._client.patch(Pod, meta.name, body, meta.namespace)
        except NotFound:
            return
        self._writes.wrote(key, self._pods, stored.metadata.resourceVersion)

    async def _release_strangers(self, key: str, uid: str) -> None:
        """Pods of a Job of this name that is gone would keep their finalizer for ever."""
        strangers = [pod for pod in self._pods.by("tracking", key) if _controller_uid(pod) != uid]
        await self._release(key, strangers)

    # Status

    async def _report(self, key: str, job: Job, counted: Tally, verdict: Verdict | None) -> None:
        changed = codec.clone(job)
        status = changed.status
        self._fill(changed, counted)
        events = self._conclude(changed, counted, verdict)
        if status == job.status:
            return
        try:
            stored = await self._client.update_status(changed)
        except NotFound:
            return
        self._writes.wrote(key, self._jobs, stored.metadata.resourceVersion)
        for type_, reason, message in events:
            self._recorder.event(job, "Warning" if type_ == FAILED else "Normal", reason, message)

    def _fill(self, job: Job, counted: Tally) -> None:
        """The numbers of the status. Pods just made or deleted are counted when the informer shows them."""
        status = job.status
        status.active, status.ready = len(counted.active), counted.ready
        status.terminating = counted.terminating
        status.succeeded, status.failed = counted.settled_succeeded, counted.settled_failed
        status.uncountedTerminatedPods = counted.uncounted
        if is_indexed(job):
            status.completedIndexes = format_indexes(counted.indexes)
        if per_index(job):
            status.failedIndexes = format_indexes(counted.failed_indexes)
        if not job.spec.suspend and not status.startTime:
            status.startTime = format_time(self._clock.now())

    def _conclude(self, job: Job, counted: Tally, verdict: Verdict | None) -> list[tuple[str, str, str]]:
        """The conditions of the status; the events (type of end, reason, message) that go with them."""
        if verdict is None:
            return self._suspend(job)
        status = job.status
        interim = SUCCESS_MET if verdict.type == COMPLETE else FAILURE_TARGET
        self._put(status, interim, "True", verdict.reason, verdict.message)
        waits = counted.active or counted.terminating or counted.release
        if waits or counted.uncounted.succeeded or counted.uncounted.failed:
            return []
        self._put(status, verdict.type, "True", verdict.reason, verdict.message)
        if verdict.type == COMPLETE:
            status.completionTime = format_time(self._clock.now())
            return [(COMPLETE, "Completed", "Job completed")]
        return [(FAILED, verdict.reason, verdict.message)]

    def _suspend(self, job: Job) -> list[tuple[str, str, str]]:
        known = next((c for c in job.status.conditions or () if c.type == SUSPENDED), None)
        was = known is not None and known.status == "True"
        if bool(job.spec.suspend) == was:
            return []
        if job.spec.suspend:
            self._put(job.status, SUSPENDED, "True", "JobSuspended", "Job suspended")
            job.status.startTime = ""
            return [("", "Suspended", "Job suspended")]
        self._put(job.status, SUSPENDED, "False", "JobResumed", "Job resumed")
        job.status.startTime = format_time(self._clock.now())
        return [("", "Resumed", "Job resumed")]

    def _put(self, status: JobStatus, type_: str, value: str, reason: str, message: str) -> None:
        known = next((c for c in status.conditions or () if c.type == type_), None)
        if known is not None and known.status == value:
            return
        stamp = format_time(self._clock.now())
        new = JobCondition(
            type=type_, status=value, reason=reason, message=message, lastProbeTime=stamp, lastTransitionTime=stamp
        )
        status.conditions = [*(c for c in status.conditions or () if c.type != type_), new]


def _controller_uid(pod: Pod) -> str:
    ref = controller_of(pod)
    return ref.uid if ref is not None else ""


def new_pod(job: Job, index: int | None) -> Pod:
    """A pod of the Job's template, tracked by the finalizer; with `index` it knows its index."""
    pod = pod_from(job.spec.template, job)
    pod.metadata.finalizers = [*(pod.metadata.finalizers or ()), FINALIZER]
    if index is None:
        return pod
    text = str(index)
    base = f"{job.metadata.name}-{text}"
    pod.metadata.generateName = ""
    pod.metadata.name = f"{base[: _NAME_LENGTH - 6]}-{random_suffix()}"
    pod.metadata.annotations = {**(pod.metadata.annotations or {}), INDEX: text}
    pod.metadata.labels = {**(pod.metadata.labels or {}), INDEX: text}
    pod.spec.hostname = base[:_NAME_LENGTH]
    source = EnvVarSource(fieldRef=ObjectFieldSelector(apiVersion="v1", fieldPath=f"metadata.labels['{INDEX}']"))
    for container in [*(pod.spec.initContainers or ()), *pod.spec.containers]:
        if not any(variable.name == INDEX_VARIABLE for variable in container.env or ()):
            container.env = [*(container.env or ()), EnvVar(name=INDEX_VARIABLE, valueFrom=source)]
    return pod


def tell_of_failures(pod: Pod, job: Job, failed: Pod | None) -> None:
    """Writes on a new pod how many have failed at its index, up to the one whose place it takes."""
    counted, ignored = (0, 0) if failed is None else failures_after(job, failed)
    pod.metadata.annotations = {**(pod.metadata.annotations or {}), FAILURES: str(counted)}
    if ignored:
        pod.metadata.annotations[IGNORED] = str(ignored)


def _keys(context: Context, pod: Pod) -> Iterable[str]:
    """The pod's Job, or those that would adopt it."""
    ref = controller_of(pod)
    if ref is not None:
        return (f"{pod.metadata.namespace}/{ref.name}",) if ref.kind == "Job" else ()
    if not is_active(pod):
        return ()
    return [
        key_of(job)
        for job in context.informers.informer(Job).items()
        if job.metadata.namespace == pod.metadata.namespace
        and job.spec.selector is not None
        and labels.from_object(job.spec.selector).matches(pod.metadata.labels)
    ]


CONTROLLER = Controller(
    name="job",
    reconciler=Jobs,
    watches=(own(Job), mapped(Pod, _keys)),
    workers=5,
    account="job-controller",
)
