"""Keeps one pod of every DaemonSet on each node that it is for, and rolls new templates out node by node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from steersman.api import codec, labels
from steersman.api.errors import NotFound
from steersman.api.labels import Selector
from steersman.client.informer import by_namespace
from steersman.controller.batches import Outcome, at_once, slow_start
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import claim
from steersman.controller.pod_control import PodControl, namespace_ends
from steersman.controllers import daemonset_plan as planning
from steersman.controllers.claimants import claimants
from steersman.controllers.daemonset_plan import BURST, ByNode, Plan
from steersman.controllers.history import HASH_LABEL, Collision, Histories, after_collision, surplus
from steersman.controllers.replica_reconciler import index_pods, pods_of
from steersman.kinds.types.apps_v1 import ControllerRevision, DaemonSet
from steersman.kinds.types.core_v1 import Node, Pod

# A pod that failed is replaced at once, and later each time it fails again; seconds.
FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 15 * 60.0


@dataclass(slots=True)
class BackOff:
    """How long failed pods of a node are left alone."""

    delay: float = 0.0
    since: float = 0.0

    def left(self, now: float) -> float:
        return max(0.0, self.since + self.delay - now)

    def failed(self, now: float) -> None:
        """A pod is replaced now."""
        forgiven = now - self.since > 2 * LONGEST_BACK_OFF
        self.delay = min(LONGEST_BACK_OFF, FIRST_BACK_OFF if forgiven or not self.delay else 2 * self.delay)
        self.since = now


@dataclass(slots=True)
class _Work:
    """A DaemonSet in the course of one reconcile."""

    key: str
    daemon_set: DaemonSet
    current: ControllerRevision
    history: list[ControllerRevision]
    nodes: list[Node]
    pods: ByNode
    claimed: list[Pod] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """The label of new pods."""
        return _digest(self.current)

    @property
    def digests(self) -> set[str]:
        """The labels of pods of the present template; somebody may have copied its revision."""
        return {_digest(r) for r in (self.current, *self.history) if r.data == self.current.data}


class DaemonSets:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._client, self._clock, self._recorder = context.client, context.clock, context.recorder
        self._sets = context.informers.informer(DaemonSet)
        self._sets.add_index("namespace", by_namespace)
        self._pods = context.informers.informer(Pod)
        self._nodes = context.informers.informer(Node)
        index_pods(context)
        self._control = PodControl(context.client, context.recorder)
        self._writes = Writes()
        self._histories = Histories(context, self._writes)
        self._back_off: dict[str, dict[str, BackOff]] = {}

    async def reconcile(self, key: str) -> float | None:
        daemon_set = self._sets.get(key)
        if daemon_set is None:
            self._writes.forget(key)
            self._back_off.pop(key, None)
            return None
        if daemon_set.metadata.deletionTimestamp:
            return None
        if not self._writes.seen(key):
            return SOON
        selector = labels.from_object(daemon_set.spec.selector)
        if selector.empty:
            text = "This daemon set is selecting all pods. A non-empty selector is required."
            self._recorder.event(daemon_set, "Warning", "SelectingAll", text)
            return None
        work = await self._look(key, daemon_set, selector)
        if work is None:
            return SOON
        plan, outcome = await self._act(work)
        wait = await self._report(work)
        if outcome.error is not None and not namespace_ends(outcome.error):
            raise outcome.error
        await self._clean(work)
        return min((w for w in (plan.wait, wait) if w is not None), default=None)

    async def _look(self, key: str, daemon_set: DaemonSet, selector: Selector) -> _Work | None:
        """What there is; None when the template's hash is taken and another one is tried."""
        try:
            current, history = await self._histories.look(key, daemon_set, selector, HASH_LABEL)
        except Collision:
            await self._store(key, after_collision(daemon_set))
            return None
        if not _digest(current):
            await self._histories.label(key, current, {HASH_LABEL: current.metadata.name})
            return None
        meta = daemon_set.metadata
        candidates = pods_of(self._context, meta.uid, meta.namespace)
        claimed: list[Pod] = await claim(self._client, daemon_set, selector, candidates)
        nodes = sorted(self._nodes.items(), key=lambda n: str(n.metadata.name))
        pods = planning.by_node(claimed)
        others = [r for r in history if r.metadata.uid != current.metadata.uid]
        return _Work(key, daemon_set, current, others, nodes, pods, claimed)

    # Pods

    async def _act(self, work: _Work) -> tuple[Plan, Outcome]:
        """Put pods where they must be; only when they are, take the next step of a rollout."""
        now = self._clock.now()
        plan = planning.manage(work.daemon_set, work.nodes, work.pods, work.digests, now, self._wait_for(work.key))
        self._tell(work, plan)
        if not plan.create and not plan.delete:
            step = planning.roll(work.daemon_set, work.nodes, work.pods, work.digests, now)
            step.wait = plan.wait
            plan = step
        return plan, await self._apply(work, plan)

    def _wait_for(self, key: str) -> planning.BackOffOf:
        now = self._clock.monotonic()
        known = self._back_off.get(key, {})
        return lambda node: known[node].left(now) if node in known else 0.0

    def _tell(self, work: _Work, plan: Plan) -> None:
        now = self._clock.monotonic()
        for pod in plan.failed:
            node = planning.node_of(pod)
            self._back_off.setdefault(work.key, {}).setdefault(node, BackOff()).failed(now)
            text = f"Found failed daemon pod {_name(pod)} on node {node}, will try to kill it"
            self._recorder.event(work.daemon_set, "Warning", "FailedDaemonPod", text)
        for pod in plan.succeeded:
            text = f"Found succeeded daemon pod {_name(pod)} on node {planning.node_of(pod)}, will try to delete it"
            self._recorder.event(work.daemon_set, "Normal", "SucceededDaemonPod", text)

    async def _apply(self, work: _Work, plan: Plan) -> Outcome:
        daemon_set, key = work.daemon_set, work.key

        async def create(number: int) -> None:
            pod = planning.new_pod(daemon_set, plan.create[number], work.digest)
            self._writes.wrote(key, self._pods, await self._control.create(pod, daemon_set))

        async def delete(number: int) -> None:
            self._writes.wrote(key, self._pods, await self._control.delete(plan.delete[number], daemon_set))

        made = await slow_start(min(len(plan.create), BURST), create)
        gone = await at_once([delete] * min(len(plan.delete), BURST))
        return Outcome(made.succeeded + gone.succeeded, made.error or gone.error)

    # History and status

    async def _clean(self, work: _Work) -> None:
        live = {(pod.metadata.labels or {}).get(HASH_LABEL) for pod in work.claimed}

        def is_live(revision: ControllerRevision) -> bool:
            return (revision.metadata.labels or {}).get(HASH_LABEL) in live

        limit = work.daemon_set.spec.revisionHistoryLimit
        await self._histories.delete(work.key, surplus(work.history, limit, is_live, count_live=True))

    async def _report(self, work: _Work) -> float | None:
        """Write the status if it is news; the seconds until it changes by time alone."""
        daemon_set, now = work.daemon_set, self._clock.now()
        counts = planning.count(daemon_set, work.nodes, work.pods, work.digests, now)
        changed = codec.clone(daemon_set)
        status = changed.status
        status.desiredNumberScheduled = counts.desired
        status.currentNumberScheduled = counts.current
        status.numberMisscheduled = counts.misscheduled
        status.numberReady = counts.ready
        status.numberAvailable = counts.available
        status.numberUnavailable = counts.desired - counts.available
        status.updatedNumberScheduled = counts.updated
        status.observedGeneration = daemon_set.metadata.generation or 0
        if status != daemon_set.status:
            await self._store(work.key, changed)
        ready_seconds = daemon_set.spec.minReadySeconds or 0
        return planning.until_available(work.claimed, ready_seconds, now)

    async def _store(self, key: str, daemon_set: DaemonSet) -> None:
        try:
            stored = await self._client.update_status(daemon_set)
        except NotFound:
            return
        self._writes.wrote(key, self._sets, stored.metadata.resourceVersion)


def _digest(revision: ControllerRevision) -> str:
    return str((revision.metadata.labels or {}).get(HASH_LABEL, ""))


def _name(pod: Pod) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def _everywhere(context: Context, node: Node) -> Iterable[str]:
    return context.informers.informer(DaemonSet).keys()


def _looks_other(old: Node, new: Node) -> bool:
    return old.metadata.labels != new.metadata.labels or old.spec.taints != new.spec.taints


CONTROLLER = Controller(
    name="daemonset",
    reconciler=DaemonSets,
    watches=(
        own(DaemonSet),
        mapped(Pod, claimants(DaemonSet)),
        mapped(ControllerRevision, claimants(DaemonSet)),
        mapped(Node, _everywhere, _looks_other),
    ),
    workers=2,
    account="daemon-set-controller",
)
