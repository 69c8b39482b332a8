"""Rolls Deployments out: makes a ReplicaSet per template and moves pods from the old ones to the new one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steersman.api import codec, labels
from steersman.api.errors import AlreadyExists, StatusError
from steersman.api.labels import Selector
from steersman.client.informer import by_controller_uid, by_namespace, key_of
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import claim, controller_of, is_controlled_by
from steersman.controller.pod_control import namespace_ends
from steersman.controllers import deployment_status as statuses
from steersman.controllers import revisions, rollout
from steersman.controllers.fenceposts import is_rolling
from steersman.controllers.replica_reconciler import index_pods
from steersman.controllers.rollout import Resize, desired, size_of
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.types.apps_v1 import Deployment, DeploymentStatus, ReplicaSet
from steersman.kinds.types.core_v1 import Pod


@dataclass(slots=True)
class _Sets:
    """A Deployment's ReplicaSets: the one of the present template, if it exists, and the others."""

    new: ReplicaSet | None
    old: list[ReplicaSet]

    @property
    def all(self) -> list[ReplicaSet]:
        return [*self.old, self.new] if self.new is not None else self.old


class Deployments:
    """Every reconcile does one step; the events of what it wrote bring the next one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._client = context.client
        self._recorder = context.recorder
        self._deployments = context.informers.informer(Deployment)
        self._sets = context.informers.informer(ReplicaSet)
        self._pods = context.informers.informer(Pod)
        for informer in (self._deployments, self._sets):
            informer.add_index("namespace", by_namespace)
        self._sets.add_index("controller", by_controller_uid)
        index_pods(context)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        cached = self._deployments.get(key)
        if cached is None:
            self._writes.forget(key)
            return None
        if not self._writes.seen(key):
            return SOON
        deployment = codec.clone(cached)
        selector = labels.from_object(deployment.spec.selector)
        if selector.empty:
            await self._refuse(deployment)
            return None
        sets = await self._claim(key, deployment, selector)
        if deployment.metadata.deletionTimestamp:
            return await self._write_status(key, deployment, self._calculate(deployment, sets))
        deployment = await self._pause(key, deployment)
        if deployment.spec.paused or rollout.needs_scaling(deployment, sets.all):
            return await self._scale(key, deployment, sets)
        return await (self._roll if is_rolling(deployment) else self._recreate)(key, deployment, sets)

    # Knowing

    async def _claim(self, key: str, deployment: Deployment, selector: Selector) -> _Sets:
        candidates = [
            rs
            for rs in self._sets.by("namespace", deployment.metadata.namespace)
            if controller_of(rs) is None or is_controlled_by(rs, deployment)
        ]
        found: list[ReplicaSet] = await claim(self._client, deployment, selector, candidates)
        new = revisions.find_new(deployment, found)
        return _Sets(new, [rs for rs in found if rs is not new])

    def _calculate(self, deployment: Deployment, sets: _Sets) -> DeploymentStatus:
        return statuses.calculate(deployment, sets.new, sets.old, self._context.clock.now())

    def _old_pods_run(self, sets: _Sets) -> bool:
        """Whether pods of old ReplicaSets are still there and not finished."""
        if any(rs.status.replicas for rs in sets.old):
            return True
        return any(not is_terminal(pod) for rs in sets.old for pod in self._pods.by("controlled", rs.metadata.uid))

    # Strategies

    async def _roll(self, key: str, deployment: Deployment, sets: _Sets) -> float | None:
        deployment = await self._ensure_new(key, deployment, sets)
        if sets.new is None:
            return None
        resizes = rollout.roll(deployment, sets.new, sets.old)
        if resizes:
            await self._resize(key, deployment, sets, resizes)
        elif statuses.is_complete(deployment, deployment.status):
            await self._clean(key, deployment, sets)
        return await self._report(key, deployment, sets)

    async def _recreate(self, key: str, deployment: Deployment, sets: _Sets) -> float | None:
        """All old pods must be gone before the first new one."""
        if sets.new is not None:
            deployment = await self._align(key, deployment, sets)
        shrunk = [Resize(rs, 0) for rs in rollout.active(sets.old)]
        if shrunk:
            await self._resize(key, deployment, sets, shrunk)
        elif not self._old_pods_run(sets):
            deployment = await self._ensure_new(key, deployment, sets)
            if sets.new is None:
                return None
            if size_of(sets.new) != desired(deployment):
                await self._resize(key, deployment, sets, [Resize(sets.new, desired(deployment))])
            elif statuses.is_complete(deployment, deployment.status):
                await self._clean(key, deployment, sets)
        return await self._report(key, deployment, sets)

    async def _scale(self, key: str, deployment: Deployment, sets: _Sets) -> float | None:
        if sets.new is not None:
            deployment = await self._align(key, deployment, sets)
        await self._resize(key, deployment, sets, rollout.scale(deployment, sets.new, sets.old))
        if deployment.spec.paused:
            await self._clean(key, deployment, sets)
        return await self._write_status(key, deployment, self._calculate(deployment, sets))

    # Doing

    async def _refuse(self, deployment: Deployment) -> None:
        text = "This deployment is selecting all pods. A non-empty selector is required."
        self._recorder.event(deployment, "Warning", "SelectingAll", text)
        if deployment.status.observedGeneration < (deployment.metadata.generation or 0):
            deployment.status.observedGeneration = deployment.metadata.generation or 0
            await self._client.update_status(deployment)

    async def _pause(self, key: str, deployment: Deployment) -> Deployment:
        """Stop the progress deadline while paused, and start it anew when resumed."""
        progress = statuses.condition(deployment.status, statuses.PROGRESSING)
        if not statuses.has_deadline(deployment) or (progress is not None and progress.reason == statuses.TIMED_OUT):
            return deployment
        told = progress is not None and progress.reason == statuses.PAUSED
        if bool(deployment.spec.paused) == told:
            return deployment
        if deployment.spec.paused:
            text = (statuses.PAUSED, "Deployment is paused")
        else:
            text = (statuses.RESUMED, "Deployment is resumed")
        now = self._context.clock.now()
        statuses.put(deployment.status, statuses.make(statuses.PROGRESSING, "Unknown", *text, now))
        return await self._store_status(key, deployment)

    async def _ensure_new(self, key: str, deployment: Deployment, sets: _Sets) -> Deployment:
        """Make the new ReplicaSet exist and both it and the Deployment carry the revision."""
        if sets.new is not None:
            return await self._align(key, deployment, sets)
        number = revisions.next_revision(sets.old)
        size = rollout.new_size(deployment, sets.old, 0)
        wanted = revisions.new_replica_set(deployment, size, number)
        try:
            sets.new = await self._client.create(wanted)
        except AlreadyExists:
            return await self._collide(key, deployment, sets, wanted)
        except StatusError as e:
            return await self._fail(key, deployment, wanted, e)
        self._writes.wrote(key, self._sets, sets.new.metadata.resourceVersion)
        if size > 0:
            self._tell_size(deployment, sets.new, 0)
        text = f'Created new replica set "{sets.new.metadata.name}"'
        return await self._revise(key, deployment, number, ("NewReplicaSetCreated", text))

    async def _collide(self, key: str, deployment: Deployment, sets: _Sets, wanted: ReplicaSet) -> Deployment:
        """The name is taken: by our own ReplicaSet that the informer does not show yet, or by another template's."""
        meta = wanted.metadata
        found = await self._client.get(ReplicaSet, meta.name, meta.namespace)
        if is_controlled_by(found, deployment) and revisions.same_template(
            found.spec.template, deployment.spec.template
        ):
            sets.new = found
            return await self._align(key, deployment, sets)
        deployment.status.collisionCount = (deployment.status.collisionCount or 0) + 1
        return await self._store_status(key, deployment)

    async def _fail(self, key: str, deployment: Deployment, wanted: ReplicaSet, error: StatusError) -> Deployment:
        if namespace_ends(error):
            return deployment
        text = f'Failed to create new replica set "{wanted.metadata.name}": {error}'
        self._recorder.event(deployment, "Warning", "ReplicaSetCreateError", text)
        if statuses.has_deadline(deployment):
            now = self._context.clock.now()
            failed = statuses.make(statuses.PROGRESSING, "False", "ReplicaSetCreateError", text, now)
            if statuses.put(deployment.status, failed):
                await self._store_status(key, deployment)
        raise error

    async def _align(self, key: str, deployment: Deployment, sets: _Sets) -> Deployment:
        """The new ReplicaSet exists: its annotations and minReadySeconds follow the Deployment."""
        new = sets.new
        if new is None:
            return deployment
        number = revisions.next_revision(sets.old)
        annotations = revisions.annotations_of(deployment, new, number)
        ready = deployment.spec.minReadySeconds
        if annotations != (new.metadata.annotations or {}) or (new.spec.minReadySeconds or 0) != (ready or 0):
            changed = codec.clone(new)
            changed.metadata.annotations = annotations
            changed.spec.minReadySeconds = ready
            sets.new = await self._client.update(changed)
            self._writes.wrote(key, self._sets, sets.new.metadata.resourceVersion)
        text = f'Found new replica set "{new.metadata.name}"'
        known = statuses.condition(deployment.status, statuses.PROGRESSING) is not None
        current = max(number, revisions.revision(sets.new or new))
        return await self._revise(key, deployment, current, None if known else ("FoundNewReplicaSet", text))

    async def _revise(
        self, key: str, deployment: Deployment, number: int, progress: tuple[str, str] | None
    ) -> Deployment:
        """Put the revision and the news into the Deployment."""
        changed = revisions.revision(deployment) != number
        if changed:
            known = deployment.metadata.annotations or {}
            deployment.metadata.annotations = {**known, revisions.REVISION: str(number)}
        if progress is not None and statuses.has_deadline(deployment):
            now = self._context.clock.now()
            news = statuses.make(statuses.PROGRESSING, "True", *progress, now)
            changed = statuses.put(deployment.status, news) or changed
        return await self._store_status(key, deployment) if changed else deployment

    async def _resize(self, key: str, deployment: Deployment, sets: _Sets, resizes: Sequence[Resize]) -> None:
        annotations = revisions.size_annotations(deployment)
        for resize in resizes:
            before = size_of(resize.rs)
            known = resize.rs.metadata.annotations or {}
            if before == resize.size and annotations.items() <= known.items():
                continue
            changed = codec.clone(resize.rs)
            changed.spec.replicas = resize.size
            changed.metadata.annotations = {**known, **annotations}
            stored = await self._client.update(changed)
            self._writes.wrote(key, self._sets, stored.metadata.resourceVersion)
            if resize.rs is sets.new:
                sets.new = stored
            else:
                sets.old[sets.old.index(resize.rs)] = stored
            if before != resize.size:
                self._tell_size(deployment, stored, before)

    def _tell_size(self, deployment: Deployment, rs: ReplicaSet, before: int) -> None:
        direction = "up" if size_of(rs) > before else "down"
        text = f"Scaled {direction} replica set {rs.metadata.name} from {before} to {size_of(rs)}"
        self._recorder.event(deployment, "Normal", "ScalingReplicaSet", text)

    async def _clean(self, key: str, deployment: Deployment, sets: _Sets) -> None:
        for rs in rollout.expired(deployment, sets.old):
            if (version := await self._client.delete_seen(rs, propagation="Background")) is not None:
                self._writes.wrote(key, self._sets, version)

    async def _report(self, key: str, deployment: Deployment, sets: _Sets) -> float | None:
        now = self._context.clock.now()
        return await self._write_status(key, deployment, statuses.rollout_status(deployment, sets.new, sets.old, now))

    async def _write_status(self, key: str, deployment: Deployment, status: DeploymentStatus) -> float | None:
        """Store the status if it is news; the seconds until a stuck rollout would be noticed."""
        if status != deployment.status:
            deployment.status = status
            deployment = await self._store_status(key, deployment)
        return statuses.seconds_to_deadline(deployment, status, self._context.clock.now())

    async def _store_status(self, key: str, deployment: Deployment) -> Deployment:
        stored = await self._client.update_status(deployment)
        self._writes.wrote(key, self._deployments, stored.metadata.resourceVersion)
        return stored


def _of_set(context: Context, rs: ReplicaSet) -> Iterable[str]:
    """The ReplicaSet's Deployment, or those that would adopt it."""
    ref = controller_of(rs)
    if ref is not None:
        return (f"{rs.metadata.namespace}/{ref.name}",) if ref.kind == "Deployment" else ()
    informer = context.informers.informer(Deployment)
    informer.add_index("namespace", by_namespace)
    return [
        key_of(deployment)
        for deployment in informer.by("namespace", rs.metadata.namespace)
        if labels.from_object(deployment.spec.selector).matches(rs.metadata.labels)
    ]


def _of_pod(context: Context, pod: Pod) -> Iterable[str]:
    """The Deployment that waits for a pod's end (strategy Recreate)."""
    ref = controller_of(pod)
    if ref is None or ref.kind != "ReplicaSet":
        return
    rs = context.informers.informer(ReplicaSet).get(f"{pod.metadata.namespace}/{ref.name}")
    for key in _of_set(context, rs) if rs is not None and controller_of(rs) is not None else ():
        deployment = context.informers.informer(Deployment).get(key)
        if deployment is not None and not is_rolling(deployment):
            yield key


def _ended(old: Pod, new: Pod) -> bool:
    return is_terminal(old) != is_terminal(new)


CONTROLLER = Controller(
    name="deployment",
    reconciler=Deployments,
    watches=(own(Deployment), mapped(ReplicaSet, _of_set), mapped(Pod, _of_pod, _ended)),
    workers=5,
    account="deployment-controller",
)
