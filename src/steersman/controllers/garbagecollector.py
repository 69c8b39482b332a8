"""Deletes what has lost its owners, of whatever kind, and carries out foreground and orphaning deletions.

It watches the metadata of every resource that can be deleted. It deletes nothing on incomplete knowledge: an owner is absent
only when the server itself says so, and a delete carries the uid and resourceVersion of what was judged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field

from steersman.api.errors import NotFound, StatusError
from steersman.api.meta import Resource
from steersman.client.informer import Informer
from steersman.client.metadata import PartialObject, PartialOwner
from steersman.client.rest import Propagation
from steersman.client.waiting import Backoff
from steersman.controller.declaration import Context, Controller, NotYet
from steersman.controller.served import Served, discover
from steersman.controllers.ownergraph import Graph, Node
from steersman.kinds.finalizers import FOREGROUND, ORPHAN

_log = logging.getLogger(__name__)

# Short-lived, numerous, and never owned or owning.
IGNORED = frozenset({("", "events"), ("events.k8s.io", "events")})
CUSTOM_RESOURCES = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False
)
API_SERVICES = Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", False)
# What is changed is served, or no longer, a moment later; seconds.
REDISCOVER = 2.0
INITIAL_SYNC = 30.0
REMEMBERED_ABSENT = 10_000
# The key in the queue that stands for a new look at what is served. No uid looks like it.
DISCOVERY = "discovery"


@dataclass(slots=True)
class Verdict:
    """What is known of an object's owners."""

    solid: list[PartialOwner] = field(default_factory=list)
    dangling: list[PartialOwner] = field(default_factory=list)
    waiting: list[PartialOwner] = field(default_factory=list)


class GarbageCollector:
    """Keys are uids. Reconciles wait until all resources are in sync, because dependents must not be overlooked."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._client = context.client
        self._graph = Graph(context.queue.add)
        self._informers: dict[Resource, Informer[PartialObject]] = {}
        # By group and kind, in the group's preferred version: what an owner reference is resolved with.
        self._kinds: dict[tuple[str, str], Resource] = {}
        self._absent: OrderedDict[tuple[Resource, str, str, str], None] = OrderedDict()
        self._ready = asyncio.Event()
        self._again = Backoff(REDISCOVER, INITIAL_SYNC)
        # The group versions that could not be asked the last time.
        self._away: set[str] = set()

    async def run(self) -> None:
        """Find out what is served, and once more whenever a custom resource definition or an APIService changes.

        A group version of another server that is away does not keep the others from being collected.
        """
        backoff = Backoff(0.2, 10.0)
        while not (complete := await self._discover()) and not self._informers:
            await self._context.clock.sleep(backoff.next())
        await self._wait_synced()
        self._ready.set()
        if not complete:
            self._context.queue.add_after(DISCOVERY, REDISCOVER)
        for resource in (CUSTOM_RESOURCES, API_SERVICES):
            informer = self._informers.get(resource)
            if informer is not None:
                informer.subscribe(lambda old, new: self._context.queue.add_after(DISCOVERY, REDISCOVER))

    async def _wait_synced(self) -> None:
        """Until all is known that was discovered; but not for ever, because some of it may be told by nobody."""

        async def all_synced() -> None:
            for informer in list(self._informers.values()):
                await informer.wait_synced()

        async with asyncio.TaskGroup() as tasks:
            waits = {tasks.create_task(all_synced()), tasks.create_task(self._context.clock.sleep(INITIAL_SYNC))}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def reconcile(self, key: str) -> float | None:
        await self._ready.wait()
        if key == DISCOVERY:
            if await self._discover():
                self._again.reset()
                return None
            return self._again.next()
        node = self._graph.get(key)
        if node is None:
            return None
        if node.orphans_dependents:
            await self._orphan(node)
        elif node.waits_for_dependents:
            await self._finish_foreground(node)
        elif not node.deleting and node.owners:
            await self._judge(node)
        return None

    # What is served

    async def _discover(self) -> bool:
        """Follow every resource that is served; whether the server told all of them."""
        try:
            found = await discover(self._client)
        except StatusError as e:
            _log.warning("discovery: %s", e)
            return False
        wanted = {s.resource: s for s in found.resources if _is_collected(s)}
        self._kinds.update(((s.resource.group, s.resource.kind), s.resource) for s in found.resources)
        self._kinds.update(((other.group, other.kind), resource) for other, resource in found.others)
        for resource in wanted.keys() - self._informers.keys():
            self._follow(resource)
        for resource in self._informers.keys() - wanted.keys():
            # A group version that could not be asked is not one that is gone.
            if resource.api_version not in found.failures:
                self._leave(resource)
        if found.failures.keys() - self._away:
            _log.warning("discovery: %s", found.failures)
        self._away = set(found.failures)
        return not found.failures

    def _follow(self, resource: Resource) -> None:
        informer = self._context.informers.informer(PartialObject, resource=resource)
        self._informers[resource] = informer
        informer.subscribe(lambda old, new: self._graph.change(resource, old, new))

    def _leave(self, resource: Resource) -> None:
        informer = self._informers.pop(resource)
        self._context.informers.stop(informer)
        for obj in informer.items():
            self._graph.change(resource, obj, None)

    # Deciding

    async def _judge(self, node: Node) -> None:
        """Delete the object if no owner is left, or drop the references to owners that are gone."""
        verdict = await self._classify(node)
        if verdict.solid:
            gone = {ref.uid for ref in verdict.dangling + verdict.waiting}
            if gone:
                await self._drop_owners(node, gone)
        elif verdict.waiting and self._graph.dependents(node.uid):
            await self._unblock_circle(node)
            await self._delete(node, "Foreground")
        elif verdict.waiting or verdict.dangling:
            await self._delete(node, _policy(node))

    async def _classify(self, node: Node) -> Verdict:
        verdict = Verdict()
        for ref in node.owners:
            owner = self._graph.get(ref.uid)
            if owner is None or not owner.may_own(node):
                owner = await self._look_up(node, ref)
            if owner is None:
                verdict.dangling.append(ref)
            elif owner.waits_for_dependents:
                verdict.waiting.append(ref)
            else:
                verdict.solid.append(ref)
        return verdict

    async def _look_up(self, node: Node, ref: PartialOwner) -> Node | None:
        """The owner as the server has it now; None when it is certain that it is absent.

        A reference that cannot be resolved (a kind that is not served, or a namespaced owner of a cluster-scoped object)
        raises: nothing may be deleted for it.
        """
        group = ref.apiVersion.rpartition("/")[0]
        resource = self._kinds.get((group, ref.kind))
        if resource is None:
            self._context.queue.add_after(DISCOVERY, REDISCOVER)
            raise NotYet(f"{_name(node)}: owner {ref.kind} of {ref.apiVersion} is not served")
        namespace = node.object.metadata.namespace
        if resource.namespaced and not namespace:
            raise NotYet(f"{_name(node)} is cluster-scoped and its owner {ref.kind} {ref.name} is not")
        # An owner must be in the dependent's namespace: what is absent there may exist elsewhere.
        # What one reference says wrongly of an owner must not be believed of another's, so that all of it counts.
        where = namespace if resource.namespaced else ""
        absent = (resource, where, ref.name, ref.uid)
        if absent in self._absent:
            return None
        try:
            found = await self._client.get(PartialObject, ref.name, where, resource=resource)
        except NotFound:
            found = None
        if found is not None and found.metadata.uid == ref.uid:
            return Node(resource, found)
        self._absent[absent] = None
        if len(self._absent) > REMEMBERED_ABSENT:
            self._absent.popitem(last=False)
        return None

    # Doing

    async def _delete(self, node: Node, policy: Propagation) -> None:
        deleted = await self._client.delete_seen(
            node.object, unchanged=True, propagation=policy, resource=node.resource
        )
        if deleted is not None:
            _log.debug("deleted %s: its owners are gone", _name(node))

    async def _drop_owners(self, node: Node, uids: set[str]) -> None:
        await self._patch(node, {"ownerReferences": [ref for ref in node.owners if ref.uid not in uids]})

    async def _unblock_circle(self, node: Node) -> None:
        """Owners and dependents that wait for each other would wait for ever."""
        if any(dependent.waits_for_dependents for dependent in self._graph.dependents(node.uid)):
            owners = [
                PartialOwner(
                    apiVersion=r.apiVersion, kind=r.kind, name=r.name, uid=r.uid, controller=r.controller,
                    blockOwnerDeletion=False,
                )
                for r in node.owners
            ]  # fmt: skip
            await self._patch(node, {"ownerReferences": owners}, checked=False)

    async def _orphan(self, node: Node) -> None:
        """Cut the dependents loose, then let the object go."""
        for dependent in self._graph.dependents(node.uid):
            await self._drop_owners(dependent, {node.uid})
        await self._remove_finalizer(node, ORPHAN)

    async def _finish_foreground(self, node: Node) -> None:
        """Let the object go when no dependent is left that it must wait for."""
        blocking = [d for d in self._graph.dependents(node.uid) if d.blocks(node.uid)]
        if not blocking:
            await self._remove_finalizer(node, FOREGROUND)
            return
        for dependent in blocking:
            if not dependent.deleting:
                self._context.queue.add(dependent.uid)

    async def _remove_finalizer(self, node: Node, finalizer: str) -> None:
        await self._patch(node, {"finalizers": [f for f in node.object.metadata.finalizers or () if f != finalizer]})

    async def _patch(self, node: Node, change: dict[str, object], *, checked: bool = True) -> None:
        """Change the metadata of exactly the object that was judged. Conflict: our picture is old."""
        meta = node.object.metadata
        precondition = {"uid": meta.uid, **({"resourceVersion": meta.resourceVersion} if checked else {})}
        body = {"metadata": {**precondition, **change}}
        try:
            await self._client.patch(PartialObject, meta.name, body, meta.namespace, resource=node.resource)
        except NotFound:
            return


def _is_collected(served: Served) -> bool:
    return {"list", "watch", "delete"} <= served.verbs and (
        served.resource.group,
        served.resource.plural,
    ) not in IGNORED


def _policy(node: Node) -> Propagation:
    """What the object's own finalizers ask for."""
    if node.has(ORPHAN):
        return "Orphan"
    return "Foreground" if node.has(FOREGROUND) else "Background"


def _name(node: Node) -> str:
    meta = node.object.metadata
    return f"{node.resource.group_resource} {meta.namespace}/{meta.name}"


CONTROLLER = Controller(
    name="garbagecollector",
    reconciler=GarbageCollector,
    workers=8,
    component="garbage-collector-controller",
    account="generic-garbage-collector",
)
