"""The reconciler behind ReplicaSets and ReplicationControllers: keeps the wanted number of pods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from steersman.api import codec, labels
from steersman.api.errors import NotFound, StatusError
from steersman.api.labels import Selector
from steersman.api.meta import format_time
from steersman.client.informer import Informer, by_controller_uid, by_namespace
from steersman.controller.batches import Outcome, at_once, slow_start
from steersman.controller.declaration import Context
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import claim, controller_of
from steersman.controller.pod_control import PodControl, namespace_ends, pod_from
from steersman.controllers import replicas
from steersman.kinds.core.pod_state import is_active
from steersman.kinds.types.apps_v1 import ReplicaSet, ReplicaSetCondition
from steersman.kinds.types.core_v1 import Pod, PodTemplateSpec, ReplicationController, ReplicationControllerCondition

AnOwner = TypeVar("AnOwner", ReplicaSet, ReplicationController)
AnyCondition = type[ReplicaSetCondition] | type[ReplicationControllerCondition]
FAILURE = "ReplicaFailure"


def by_controller_or_namespace(pod: Pod) -> Iterable[str]:
    """Index: the uid of the pod's controller, or `orphans/<namespace>` for a pod without one."""
    return by_controller_uid(pod) or (f"orphans/{pod.metadata.namespace}",)


def pods_of(context: Context, owner_uid: str, namespace: str) -> list[Pod]:
    """The owner's pods, and the orphans of its namespace."""
    informer = context.informers.informer(Pod)
    return informer.by("controlled", owner_uid) + informer.by("controlled", f"orphans/{namespace}")


def index_pods(context: Context) -> None:
    """Prepare what `pods_of` reads."""
    context.informers.informer(Pod).add_index("controlled", by_controller_or_namespace)


class ReplicaReconciler(Generic[AnOwner]):
    """Makes the number of active pods that match the selector what the spec says."""

    def __init__(
        self, context: Context, type_: type[AnOwner], selector: Callable[[Any], Any], condition: AnyCondition
    ) -> None:
        self._context = context
        self._selector_of = selector
        self._condition = condition
        self._owners: Informer[AnOwner] = context.informers.informer(type_)
        self._owners.add_index("namespace", by_namespace)
        self._owners.add_index("controller", by_controller_uid)
        self._pods = context.informers.informer(Pod)
        index_pods(context)
        self._control = PodControl(context.client, context.recorder)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        owner = self._owners.get(key)
        if owner is None:
            self._writes.forget(key)
            return None
        if not self._writes.seen(key):
            return SOON
        selector = self._selector(owner)
        meta = owner.metadata
        candidates = pods_of(self._context, meta.uid, meta.namespace)
        mine: list[Pod] = await claim(self._context.client, owner, selector, candidates)
        active = [pod for pod in mine if is_active(pod)]
        outcome = Outcome(0)
        change = replicas.Change()
        if not meta.deletionTimestamp:
            change = replicas.plan(active, _desired(owner), self._related(owner), self._context.clock.now())
            outcome = await self._apply(key, owner, change)
        after = await self._report(key, owner, active, mine, change, outcome.error)
        if outcome.error is not None:
            raise outcome.error
        return after

    def _selector(self, owner: AnOwner) -> Selector:
        # An empty selector would take every pod of the namespace; validation refuses it, and so do we.
        found = labels.from_object(self._selector_of(owner))
        return Selector.nothing() if found.empty else found

    def _related(self, owner: AnOwner) -> list[Pod]:
        """Active pods of every owner with the same controller (a Deployment's ReplicaSets), or of this one alone."""
        ref = controller_of(owner)
        uids = [o.metadata.uid for o in self._owners.by("controller", ref.uid)] if ref else [owner.metadata.uid]
        return [pod for uid in uids for pod in self._pods.by("controlled", uid) if is_active(pod)]

    async def _apply(self, key: str, owner: AnOwner, change: replicas.Change) -> Outcome:
        async def create(_: int) -> None:
            self._wrote(key, await self._control.create(pod_from(_template(owner), owner), owner))

        async def delete(index: int) -> None:
            self._wrote(key, await self._control.delete(change.delete[index], owner))

        if change.create:
            outcome = await slow_start(change.create, create)
            if outcome.error is not None and namespace_ends(outcome.error):
                return Outcome(outcome.succeeded)
            return outcome
        return await at_once([delete] * len(change.delete))

    def _wrote(self, key: str, version: str) -> None:
        self._writes.wrote(key, self._pods, version)

    async def _report(
        self,
        key: str,
        owner: AnOwner,
        active: list[Pod],
        mine: list[Pod],
        change: replicas.Change,
        error: StatusError | None,
    ) -> float | None:
        """Write the status if it is news; the seconds until it changes by time alone."""
        wanted = Selector.of(_template(owner).metadata.labels)
        now = self._context.clock.now()
        found = replicas.count(active, mine, wanted, owner.spec.minReadySeconds or 0, now)
        changed = codec.clone(owner)
        status = changed.status
        status.replicas = found.replicas
        status.fullyLabeledReplicas = found.fully_labeled
        status.readyReplicas = found.ready
        status.availableReplicas = found.available
        if isinstance(changed, ReplicaSet):
            changed.status.terminatingReplicas = found.terminating
        status.conditions = self._conditions(owner, change, error)
        if status == owner.status and owner.status.observedGeneration == (owner.metadata.generation or 0):
            return found.next_available
        status.observedGeneration = owner.metadata.generation or 0
        try:
            stored = await self._context.client.update_status(changed)
        except NotFound:
            return None
        self._writes.wrote(key, self._owners, stored.metadata.resourceVersion)
        return found.next_available

    def _conditions(self, owner: AnOwner, change: replicas.Change, error: StatusError | None) -> Any:
        before: list[Any] = list(owner.status.conditions or ())
        failed = any(c.type == FAILURE for c in before)
        if error is not None and not failed:
            before.append(
                self._condition(
                    type=FAILURE,
                    status="True",
                    reason="FailedCreate" if change.create else "FailedDelete",
                    message=str(error),
                    lastTransitionTime=format_time(self._context.clock.now()),
                )
            )
        elif error is None:
            before = [c for c in before if c.type != FAILURE]
        return before or None


def _desired(owner: Any) -> int:
    return 1 if owner.spec.replicas is None else int(owner.spec.replicas)


def _template(owner: Any) -> PodTemplateSpec:
    found = owner.spec.template
    return found if isinstance(found, PodTemplateSpec) else PodTemplateSpec()
