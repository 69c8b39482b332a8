"""The past templates of DaemonSets and StatefulSets, kept as ControllerRevisions that `kubectl rollout` reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

from steersman.api import codec
from steersman.api.errors import AlreadyExists
from steersman.api.labels import Selector
from steersman.client.informer import by_controller_uid, by_namespace
from steersman.controller.declaration import Context
from steersman.controller.freshness import Writes
from steersman.controller.ownership import claim, controller_of, controller_reference, is_controlled_by
from steersman.controllers.revisions import template_hash
from steersman.kinds.types.apps_v1 import ControllerRevision, DaemonSet, StatefulSet
from steersman.kinds.types.core_v1 import PodTemplateSpec
from steersman.kinds.types.meta_v1 import ObjectMeta

HASH_LABEL = "controller-revision-hash"
_NAME_LENGTH = 223

Owner = DaemonSet | StatefulSet
AnOwner = TypeVar("AnOwner", DaemonSet, StatefulSet)


class Collision(Exception):
    """The revision's name is taken by another template's: another hash must be tried."""


def after_collision(owner: AnOwner) -> AnOwner:
    """The owner as it is to be stored, so that another hash is tried."""
    changed = codec.clone(owner)
    changed.status.collisionCount = (owner.status.collisionCount or 0) + 1
    return changed


def data_of(template: PodTemplateSpec) -> Any:
    """What a revision keeps: the strategic merge patch that brings the template back.

    Clients tell by its bytes whether a revision is of a template, so it is written as Go writes it: keys in order, and with
    the few fields that Go cannot leave out.
    """
    plain: dict[str, Any] = codec.to_builtins(template)
    plain["metadata"] = {**plain.get("metadata", {}), "creationTimestamp": None}
    for kind in ("containers", "initContainers"):
        for container in plain["spec"].get(kind, ()):
            container.setdefault("resources", {})
    return _ordered({"spec": {"template": {**plain, "$patch": "replace"}}})


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def template_of(revision: ControllerRevision) -> PodTemplateSpec:
    """The template that the revision keeps."""
    plain = {k: v for k, v in revision.data["spec"]["template"].items() if k != "$patch"}
    plain["metadata"] = {k: v for k, v in plain.get("metadata", {}).items() if v is not None}
    return codec.from_builtins(PodTemplateSpec, plain)[0]


def new_revision(owner: Owner, digest: str, labels: dict[str, str]) -> ControllerRevision:
    """The revision of the owner's present template, to be created; it has no number yet."""
    meta = owner.metadata
    return ControllerRevision(
        metadata=ObjectMeta(
            name=f"{meta.name[:_NAME_LENGTH]}-{digest}",
            namespace=meta.namespace,
            labels={**(owner.spec.template.metadata.labels or {}), **labels},
            annotations=dict(meta.annotations) if meta.annotations else None,
            ownerReferences=[controller_reference(owner)],
        ),
        data=data_of(owner.spec.template),
        revision=0,
    )


def number_of(revision: ControllerRevision) -> int:
    return revision.revision or 0


def in_order(revisions: Iterable[ControllerRevision]) -> list[ControllerRevision]:
    """Oldest first."""
    return sorted(revisions, key=lambda r: (number_of(r), r.metadata.creationTimestamp, r.metadata.name))


def surplus(
    old: Sequence[ControllerRevision],
    limit: int | None,
    is_live: Callable[[ControllerRevision], bool],
    *,
    count_live: bool,
) -> list[ControllerRevision]:
    """The oldest of the past revisions that are too many and that no pod has.

    `count_live` tells whether those that pods have count against the limit.
    """
    dead = [r for r in in_order(old) if not is_live(r)]
    excess = len(old if count_live else dead) - (10 if limit is None else limit)
    return dead[: max(0, excess)]


class Histories:
    """Reads and writes the revisions of one kind of owner. Writes are reported to `writes` under the owner's key."""

    def __init__(self, context: Context, writes: Writes) -> None:
        self._client = context.client
        self._writes = writes
        self._revisions = context.informers.informer(ControllerRevision)
        self._revisions.add_index("namespace", by_namespace)
        self._revisions.add_index("controller", by_controller_uid)

    async def of(self, owner: Owner, selector: Selector) -> list[ControllerRevision]:
        """The owner's revisions, oldest first, after adopting and releasing what should be."""
        candidates = [
            r
            for r in self._revisions.by("namespace", owner.metadata.namespace)
            if controller_of(r) is None or is_controlled_by(r, owner)
        ]
        return in_order(await claim(self._client, owner, selector, candidates))

    async def look(
        self, key: str, owner: Owner, selector: Selector, label: str
    ) -> tuple[ControllerRevision, list[ControllerRevision]]:
        """The revision of the owner's present template, and those that were there before, oldest first.

        A new one has the template's hash in `label`. Raises Collision.
        """
        history = await self.of(owner, selector)
        digest = template_hash(owner.spec.template, owner.status.collisionCount)
        return await self._ensure(key, new_revision(owner, digest, {label: digest}), history), history

    async def _ensure(
        self, key: str, wanted: ControllerRevision, revisions: Sequence[ControllerRevision]
    ) -> ControllerRevision:
        """The newest revision, which has the wanted one's data: found, made the newest again, or created.

        Raises Collision.
        """
        same = [r for r in revisions if r.data == wanted.data]
        current = same[-1] if same else None
        number = max((number_of(r) for r in revisions if r is not current), default=0) + 1
        if current is None:
            return await self._create(key, wanted, number)
        if number_of(current) >= number:
            return current
        meta = current.metadata
        stored = await self._client.patch(ControllerRevision, meta.name, {"revision": number}, meta.namespace)
        self._writes.wrote(key, self._revisions, stored.metadata.resourceVersion)
        return stored

    async def _create(self, key: str, wanted: ControllerRevision, number: int) -> ControllerRevision:
        wanted.revision = number
        try:
            stored = await self._client.create(wanted)
        except AlreadyExists:
            meta = wanted.metadata
            found = await self._client.get(ControllerRevision, meta.name, meta.namespace)
            mine, wish = controller_of(found), controller_of(wanted)
            if found.data != wanted.data or mine is None or wish is None or mine.uid != wish.uid:
                raise Collision from None
            return found
        self._writes.wrote(key, self._revisions, stored.metadata.resourceVersion)
        return stored

    async def label(self, key: str, revision: ControllerRevision, labels: dict[str, str]) -> None:
        """Add labels that somebody who made the revision has left out."""
        meta = revision.metadata
        body = {"metadata": {"uid": meta.uid, "labels": labels}}
        stored = await self._client.patch(ControllerRevision, meta.name, body, meta.namespace)
        self._writes.wrote(key, self._revisions, stored.metadata.resourceVersion)

    async def delete(self, key: str, revisions: Collection[ControllerRevision]) -> None:
        for revision in revisions:
            if (version := await self._client.delete_seen(revision)) is not None:
                self._writes.wrote(key, self._revisions, version)
