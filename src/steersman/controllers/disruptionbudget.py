"""Says in the status of every PodDisruptionBudget how many of its pods may be disrupted now; evictions go by it.

It also takes back what was said on pods that were to be disrupted and then were not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from steersman.api import codec, labels
from steersman.api.errors import NotFound, StatusError
from steersman.api.meta import Resource, format_time, parse_time
from steersman.client.informer import by_namespace, key_of
from steersman.controller.declaration import Context, Controller, mapped, own, read
from steersman.controller.ownership import controller_of
from steersman.controller.served import discover
from steersman.controllers.fenceposts import scaled
from steersman.kinds.core.pod_state import DISRUPTION_TARGET, condition, is_ready, is_terminal
from steersman.kinds.types.apps_v1 import Deployment, ReplicaSet, StatefulSet
from steersman.kinds.types.core_v1 import Pod, ReplicationController
from steersman.kinds.types.meta_v1 import Condition
from steersman.kinds.types.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetStatus

ALLOWED = "DisruptionAllowed"
SUFFICIENT, INSUFFICIENT, SYNC_FAILED = "SufficientPods", "InsufficientPods", "SyncFailed"
# A pod whose eviction was granted counts as gone for so long; seconds.
DELETION_TIMEOUT = 120.0
# A pod that was to be disrupted and has not been after so long will not be; seconds.
STALE = 120.0
# Marks the keys of pods among those of budgets.
_POD = "pods/"
# The kubelet's own announcements last until it is done.
_BY_KUBELET = "TerminationByKubelet"
_OWNERS: dict[tuple[str, str], type[ReplicaSet | Deployment | StatefulSet | ReplicationController]] = {
    ("apps", "ReplicaSet"): ReplicaSet,
    ("apps", "Deployment"): Deployment,
    ("apps", "StatefulSet"): StatefulSet,
    ("", "ReplicationController"): ReplicationController,
}


class Unknown(Exception):
    """The number of pods that there should be cannot be told; the text says why."""


class _ScaleSpec(msgspec.Struct):
    replicas: int = 0


class _Scale(msgspec.Struct):
    spec: _ScaleSpec = msgspec.field(default_factory=_ScaleSpec)


@dataclass(slots=True)
class Expected:
    """How many pods there should be and how many must be healthy; `unmanaged` names pods that nobody keeps."""

    count: int
    healthy: int
    unmanaged: list[str] = field(default_factory=list)


def announced(pod: Pod) -> str | None:
    """Since when the pod is said to be disrupted though it goes on; None when it is not."""
    if pod.metadata.deletionTimestamp or is_terminal(pod):
        return None
    found = condition(pod, DISRUPTION_TARGET)
    if found is None or found.status != "True" or found.reason == _BY_KUBELET:
        return None
    return found.lastTransitionTime or None


def needs_scale(budget: PodDisruptionBudget) -> bool:
    """Whether the owners of pods must be asked how many there should be."""
    return budget.spec.maxUnavailable is not None or isinstance(budget.spec.minAvailable, str)


def expected(budget: PodDisruptionBudget, pods: int, scale: int) -> tuple[int, int]:
    """(pods that there should be, those that must be healthy), given what there is and what the owners want."""
    spec = budget.spec
    if spec.maxUnavailable is not None:
        return scale, max(0, scale - scaled(spec.maxUnavailable, scale, up=True))
    if isinstance(spec.minAvailable, str):
        return scale, scaled(spec.minAvailable, scale, up=True)
    return pods, spec.minAvailable or 0


def disrupted(
    budget: PodDisruptionBudget, pods: Sequence[Pod], now: datetime
) -> tuple[dict[str, str], list[Pod], float | None]:
    """Granted evictions that are still under way, the pods that outlived theirs, and seconds until the next one is due."""
    known: Mapping[str, str] = budget.status.disruptedPods or {}
    waiting: dict[str, str] = {}
    survivors: list[Pod] = []
    soonest: float | None = None
    for pod in pods:
        granted = known.get(pod.metadata.name)
        if granted is None or pod.metadata.deletionTimestamp:
            continue
        left = (parse_time(granted) + timedelta(seconds=DELETION_TIMEOUT) - now).total_seconds()
        if left <= 0:
            survivors.append(pod)
            continue
        waiting[pod.metadata.name] = granted
        soonest = left if soonest is None else min(soonest, left)
    return waiting, survivors, soonest


def status_of(
    budget: PodDisruptionBudget,
    pods: Sequence[Pod],
    count: int,
    healthy: int,
    waiting: Mapping[str, str],
    now: datetime,
) -> PodDisruptionBudgetStatus:
    """The status; its condition changes its time only with its status."""
    current = sum(
        1 for p in pods if is_ready(p) and not p.metadata.deletionTimestamp and p.metadata.name not in waiting
    )
    allowed = max(0, current - healthy) if count > 0 else 0
    return PodDisruptionBudgetStatus(
        currentHealthy=current,
        desiredHealthy=healthy,
        expectedPods=count,
        disruptionsAllowed=allowed,
        disruptedPods=dict(waiting) or None,
        observedGeneration=budget.metadata.generation or 0,
        conditions=_conditions(budget, allowed > 0, SUFFICIENT if allowed else INSUFFICIENT, "", now),
    )


def _conditions(budget: PodDisruptionBudget, value: bool, reason: str, message: str, now: datetime) -> list[Condition]:
    before = budget.status.conditions or []
    status = "True" if value else "False"
    known = next((c for c in before if c.type == ALLOWED), None)
    since = known.lastTransitionTime if known is not None and known.status == status else format_time(now)
    now_known = Condition(
        type=ALLOWED,
        status=status,
        reason=reason,
        message=message,
        lastTransitionTime=since,
        observedGeneration=budget.metadata.generation,
    )
    return [*(c for c in before if c.type != ALLOWED), now_known]


class DisruptionBudgets:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._client, self._clock, self._recorder = context.client, context.clock, context.recorder
        self._budgets = context.informers.informer(PodDisruptionBudget)
        self._budgets.add_index("namespace", by_namespace)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("namespace", by_namespace)
        self._pods.subscribe(self._pod_changed)
        # By API version and kind: what is served, for owners that are none of the usual.
        self._kinds: dict[tuple[str, str], Resource] = {}

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if new is not None and announced(new) is not None:
            self._context.queue.add_after(_POD + key_of(new), STALE)

    async def reconcile(self, key: str) -> float | None:
        if key.startswith(_POD):
            return await self._take_back(key.removeprefix(_POD))
        budget = self._budgets.get(key)
        if budget is None:
            return None
        selector = labels.from_object(budget.spec.selector)
        found = self._pods.by("namespace", budget.metadata.namespace)
        pods = [pod for pod in found if selector.matches(pod.metadata.labels)]
        now = self._clock.now()
        try:
            wanted = await self._expect(budget, pods)
        except Unknown as why:
            text = f"Failed to calculate the number of expected pods: {why}"
            self._recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", text)
            await self._store(budget, self._unknown(budget, str(why), now))
            return None
        waiting, survivors, soonest = disrupted(budget, pods, now)
        for pod in survivors:
            text = f"Pod was expected by PDB {key} to be deleted but it wasn't"
            self._recorder.event(pod, "Warning", "NotDeleted", text)
        if await self._store(budget, status_of(budget, pods, wanted.count, wanted.healthy, waiting, now)):
            self._tell(budget, pods, wanted)
        return soonest

    async def _take_back(self, key: str) -> float | None:
        """The pod was to be disrupted: say when that is not true any more."""
        pod = self._pods.get(key)
        since = announced(pod) if pod is not None else None
        if pod is None or since is None:
            return None
        now = self._clock.now()
        left = STALE - (now - parse_time(since)).total_seconds()
        if left > 0:
            return left
        changed = codec.clone(pod)
        for found in changed.status.conditions or ():
            if found.type == DISRUPTION_TARGET:
                found.status, found.reason, found.message = "False", "", ""
                found.lastTransitionTime = format_time(now)
        try:
            await self._client.update_status(changed)
        except NotFound:
            return None
        return None

    def _tell(self, budget: PodDisruptionBudget, pods: Sequence[Pod], wanted: Expected) -> None:
        if not pods:
            self._recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        if wanted.unmanaged:
            text = (
                f"Pods selected by this PodDisruptionBudget (selector: {labels.from_object(budget.spec.selector)}) have no "
                "controller, so how many there should be is unknown: set .spec.minAvailable to a number to count them"
            )
            self._recorder.event(budget, "Warning", "UnmanagedPods", text)

    @staticmethod
    def _unknown(budget: PodDisruptionBudget, why: str, now: datetime) -> PodDisruptionBudgetStatus:
        """Nothing may be disrupted while nothing is known."""
        status = codec.clone(budget.status)
        status.disruptionsAllowed = 0
        status.conditions = _conditions(budget, False, SYNC_FAILED, why, now)
        return status

    async def _store(self, budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus) -> bool:
        """Write the status if it is news."""
        if status == budget.status:
            return False
        changed = codec.clone(budget)
        changed.status = status
        try:
            await self._client.update_status(changed)
        except NotFound:
            return False
        return True

    # How many there should be

    async def _expect(self, budget: PodDisruptionBudget, pods: Sequence[Pod]) -> Expected:
        """Raises Unknown."""
        if not needs_scale(budget):
            return Expected(*expected(budget, len(pods), 0))
        scales: dict[str, int] = {}
        unmanaged = []
        for pod in pods:
            ref = controller_of(pod)
            if ref is None:
                unmanaged.append(pod.metadata.name)
            elif ref.uid not in scales:
                uid, scale = await self._scale(pod, ref)
                # Several ReplicaSets may be one Deployment's, which counts once.
                scales[uid] = scale
                scales.setdefault(ref.uid, 0)
        count, healthy = expected(budget, len(pods), sum(scales.values()))
        return Expected(count, healthy, unmanaged)

    async def _scale(self, pod: Pod, ref: Any) -> tuple[str, int]:
        """(uid, wanted replicas) of whoever decides the number: a ReplicaSet's Deployment, or the owner itself."""
        namespace = pod.metadata.namespace
        owner = self._owner(ref, namespace)
        above = controller_of(owner) if isinstance(owner, ReplicaSet) else None
        if above is not None:
            deployment = self._owner(above, namespace)
            if isinstance(deployment, Deployment):
                return deployment.metadata.uid, _replicas(deployment)
        if owner is not None:
            return owner.metadata.uid, _replicas(owner)
        return ref.uid, await self._ask(pod, ref)

    def _owner(self, ref: Any, namespace: str) -> Any:
        type_ = _OWNERS.get((ref.apiVersion.rpartition("/")[0], ref.kind))
        found: Any = self._context.informers.informer(type_).get(f"{namespace}/{ref.name}") if type_ else None
        return found if found is not None and found.metadata.uid == ref.uid else None

    async def _ask(self, pod: Pod, ref: Any) -> int:
        """The owner's scale, by its subresource. Raises Unknown."""
        name = (ref.apiVersion, ref.kind)
        try:
            if name not in self._kinds:
                found = await discover(self._client)
                self._kinds = {(s.resource.api_version, s.resource.kind): s.resource for s in found.resources}
            resource = self._kinds.get(name)
            if resource is None:
                raise Unknown(f'found no controllers for pod "{pod.metadata.name}"')
            path = f"{resource.path(pod.metadata.namespace, ref.name)}/scale"
            scale = msgspec.json.decode(await self._client.answer("GET", path), type=_Scale)
        except StatusError as error:
            what = self._kinds[name].group_resource if name in self._kinds else ref.kind
            raise Unknown(f"{what} does not implement the scale subresource") from error
        return scale.spec.replicas


def _replicas(owner: Any) -> int:
    return 1 if owner.spec.replicas is None else int(owner.spec.replicas)


def _of_pod(context: Context, pod: Pod) -> Iterable[str]:
    informer = context.informers.informer(PodDisruptionBudget)
    informer.add_index("namespace", by_namespace)
    return [
        key_of(budget)
        for budget in informer.by("namespace", pod.metadata.namespace)
        if labels.from_object(budget.spec.selector).matches(pod.metadata.labels)
    ]


def _matters(old: Pod, new: Pod) -> bool:
    return (
        is_ready(old) != is_ready(new)
        or old.metadata.labels != new.metadata.labels
        or old.metadata.deletionTimestamp != new.metadata.deletionTimestamp
        or controller_of(old) != controller_of(new)
    )


CONTROLLER = Controller(
    name="disruption",
    reconciler=DisruptionBudgets,
    watches=(
        own(PodDisruptionBudget),
        mapped(Pod, _of_pod, _matters),
        read(ReplicaSet),
        read(Deployment),
        read(StatefulSet),
        read(ReplicationController),
    ),
    component="controllermanager",
    account="disruption-controller",
)
