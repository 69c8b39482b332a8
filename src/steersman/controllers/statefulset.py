"""Keeps the pods of every StatefulSet, each with its own name and claims, and moves them to new templates one by one."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.api import codec, labels
from steersman.api.errors import AlreadyExists, NotFound, StatusError
from steersman.api.labels import Selector
from steersman.client.informer import by_namespace
from steersman.controller.batches import at_once, slow_start
from steersman.controller.declaration import Context, Controller, mapped, own, read
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import claim, controller_of
from steersman.controller.pod_control import namespace_ends
from steersman.controllers import statefulset_plan as planning
from steersman.controllers import statefulset_pods as members
from steersman.controllers.claimants import claimants
from steersman.controllers.history import Collision, Histories, after_collision, surplus, template_of
from steersman.controllers.replica_reconciler import index_pods, pods_of
from steersman.controllers.statefulset_plan import Look, Plan, Revisions
from steersman.kinds.types.apps_v1 import ControllerRevision, StatefulSet
from steersman.kinds.types.core_v1 import PersistentVolumeClaim, Pod

HASH = "controller.kubernetes.io/hash"
# How soon claims that are to go are looked at again; seconds.
AGAIN = 1.0


@dataclass(slots=True)
class _Work:
    """A StatefulSet in the course of one reconcile."""

    key: str
    stateful_set: StatefulSet
    current: ControllerRevision
    update: ControllerRevision
    history: list[ControllerRevision]
    pods: list[Pod]
    look: Look

    @property
    def revisions(self) -> Revisions:
        return Revisions(self.current.metadata.name, self.update.metadata.name)


class StatefulSets:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._client, self._clock, self._recorder = context.client, context.clock, context.recorder
        self._sets = context.informers.informer(StatefulSet)
        self._sets.add_index("namespace", by_namespace)
        self._pods = context.informers.informer(Pod)
        self._claims = context.informers.informer(PersistentVolumeClaim)
        index_pods(context)
        self._writes = Writes()
        self._histories = Histories(context, self._writes)

    async def reconcile(self, key: str) -> float | None:
        stateful_set = self._sets.get(key)
        if stateful_set is None:
            self._writes.forget(key)
            return None
        if not self._writes.seen(key):
            return SOON
        selector = labels.from_object(stateful_set.spec.selector)
        if selector.empty:
            return None
        work = await self._look(key, stateful_set, selector)
        if work is None:
            return SOON
        plan = planning.plan(work.look, work.revisions)
        stale = [ordinal for ordinal in plan.create if self._is_stale(stateful_set, ordinal)]
        plan.create = [ordinal for ordinal in plan.create if ordinal not in stale]
        error = await self._act(work, plan)
        await self._report(work)
        if error is not None and not namespace_ends(error):
            raise error
        await self._clean(work)
        return AGAIN if stale else planning.until_available(work.pods, work.look)

    async def _look(self, key: str, stateful_set: StatefulSet, selector: Selector) -> _Work | None:
        """What there is; None when the template's hash is taken and another one is tried."""
        try:
            update, history = await self._histories.look(key, stateful_set, selector, HASH)
        except Collision:
            await self._store(key, after_collision(stateful_set))
            return None
        current = next((r for r in history if r.metadata.name == stateful_set.status.currentRevision), update)
        meta = stateful_set.metadata
        candidates = [
            pod
            for pod in pods_of(self._context, meta.uid, meta.namespace)
            if controller_of(pod) is not None or members.is_member(stateful_set, pod)
        ]
        pods: list[Pod] = await claim(self._client, stateful_set, selector, candidates)
        return _Work(key, stateful_set, current, update, history, pods, Look.at(stateful_set, pods, self._clock.now()))

    # Doing

    async def _act(self, work: _Work, plan: Plan) -> StatusError | None:
        """Carry out the step; the first error."""

        async def create(number: int) -> None:
            await self._create(work, plan.create[number])

        async def delete(number: int) -> None:
            await self._delete(work, plan.delete[number])

        async def mend(number: int) -> None:
            await self._relabel(work, plan.relabel[number])

        async def supply(number: int) -> None:
            await self._make_claims(work, members.ordinal_of(plan.claims[number]))

        async def own_claims(number: int) -> None:
            await self._own_claims(work.stateful_set, work.pods[number])

        # Claims first: a pod must not go before its claims know with whom they go.
        for count, call in ((len(plan.claims), supply), (self._with_claims(work), own_claims)):
            outcome = await at_once([call] * count)
            if outcome.error is not None:
                return outcome.error
        outcomes = [
            await slow_start(len(plan.create), create),
            await at_once([mend] * len(plan.relabel)),
            await at_once([delete] * len(plan.delete)),
        ]
        return next((o.error for o in outcomes if o.error is not None), None)

    @staticmethod
    def _with_claims(work: _Work) -> int:
        """How many pods have claims to look after: all or none."""
        ends = bool(work.stateful_set.metadata.deletionTimestamp)
        return len(work.pods) if work.stateful_set.spec.volumeClaimTemplates and not ends else 0

    async def _create(self, work: _Work, ordinal: int) -> None:
        stateful_set = work.stateful_set
        revision = planning.revision_for(stateful_set, ordinal, work.revisions)
        template = stateful_set.spec.template
        if revision != work.update.metadata.name:
            template = template_of(work.current)
        pod = members.new_pod(stateful_set, template, revision, ordinal)
        name = pod.metadata.name
        try:
            await self._make_claims(work, ordinal)
            stored = await self._client.create(pod)
        except StatusError as e:
            if not namespace_ends(e):
                text = f"create Pod {name} in StatefulSet {stateful_set.metadata.name} failed error: {e}"
                self._recorder.event(stateful_set, "Warning", "FailedCreate", text)
            raise
        self._writes.wrote(work.key, self._pods, stored.metadata.resourceVersion)
        text = f"create Pod {name} in StatefulSet {stateful_set.metadata.name} successful"
        self._recorder.event(stateful_set, "Normal", "SuccessfulCreate", text)

    async def _delete(self, work: _Work, pod: Pod) -> None:
        stateful_set, meta = work.stateful_set, pod.metadata
        version = await self._client.delete_seen(pod)
        if version is None:
            return
        self._writes.wrote(work.key, self._pods, version)
        text = f"delete Pod {meta.name} in StatefulSet {stateful_set.metadata.name} successful"
        self._recorder.event(stateful_set, "Normal", "SuccessfulDelete", text)

    async def _relabel(self, work: _Work, pod: Pod) -> None:
        meta = pod.metadata
        body = {"metadata": {"uid": meta.uid, "labels": members.identity(meta.name, members.ordinal_of(pod))}}
        stored = await self._client.patch(Pod, meta.name, body, meta.namespace)
        self._writes.wrote(work.key, self._pods, stored.metadata.resourceVersion)

    # Claims

    def _is_stale(self, stateful_set: StatefulSet, ordinal: int) -> bool:
        """Whether a claim of an earlier pod of this name is still to go with it: the pod must not have it."""
        pod = f"{stateful_set.metadata.name}-{ordinal}"
        found = (
            self._claims.get(f"{stateful_set.metadata.namespace}/{name}")
            for name in members.claim_names(stateful_set, ordinal).values()
        )
        return any(c is not None and members.is_stale(c, pod) for c in found)

    async def _make_claims(self, work: _Work, ordinal: int) -> None:
        stateful_set = work.stateful_set
        for wanted in members.new_claims(stateful_set, ordinal):
            name = wanted.metadata.name
            if self._claims.get(f"{wanted.metadata.namespace}/{name}") is not None:
                continue
            try:
                stored = await self._client.create(wanted)
            except AlreadyExists:
                continue
            self._writes.wrote(work.key, self._claims, stored.metadata.resourceVersion)
            text = f"create Claim {name} Pod {stateful_set.metadata.name}-{ordinal} in StatefulSet {stateful_set.metadata.name} success"
            self._recorder.event(stateful_set, "Normal", "SuccessfulCreate", text)

    async def _own_claims(self, stateful_set: StatefulSet, pod: Pod) -> None:
        """Let the pod's claims be owned as the retention policy says."""
        for name in members.claim_names(stateful_set, members.ordinal_of(pod)).values():
            found = self._claims.get(f"{stateful_set.metadata.namespace}/{name}")
            owners = members.claim_owners(stateful_set, pod, found) if found is not None else None
            if found is None or owners is None:
                continue
            changed = codec.clone(found)
            changed.metadata.ownerReferences = owners or None
            await self._client.update(changed)

    # History and status

    async def _clean(self, work: _Work) -> None:
        live = {members.revision_of(pod) for pod in work.pods} | {work.current.metadata.name, work.update.metadata.name}
        limit = work.stateful_set.spec.revisionHistoryLimit
        dead = surplus(work.history, limit, lambda r: r.metadata.name in live, count_live=False)
        await self._histories.delete(work.key, dead)

    async def _report(self, work: _Work) -> None:
        """Write the status if it is news."""
        stateful_set, revisions = work.stateful_set, work.revisions
        counts = planning.count(work.pods, work.look, revisions)
        changed = codec.clone(stateful_set)
        status = changed.status
        status.observedGeneration = stateful_set.metadata.generation or 0
        status.replicas, status.readyReplicas, status.availableReplicas = (
            counts.replicas,
            counts.ready,
            counts.available,
        )
        status.currentReplicas, status.updatedReplicas = counts.current, counts.updated
        status.currentRevision, status.updateRevision = revisions.current, revisions.update
        status.collisionCount = status.collisionCount or 0
        if planning.is_complete(stateful_set, counts):
            status.currentReplicas, status.currentRevision = counts.updated, revisions.update
        if status != stateful_set.status:
            await self._store(work.key, changed)

    async def _store(self, key: str, stateful_set: StatefulSet) -> None:
        try:
            stored = await self._client.update_status(stateful_set)
        except NotFound:
            return
        self._writes.wrote(key, self._sets, stored.metadata.resourceVersion)


CONTROLLER = Controller(
    name="statefulset",
    reconciler=StatefulSets,
    watches=(
        own(StatefulSet),
        mapped(Pod, claimants(StatefulSet)),
        mapped(ControllerRevision, claimants(StatefulSet)),
        read(PersistentVolumeClaim),
    ),
    workers=5,
    account="statefulset-controller",
)
