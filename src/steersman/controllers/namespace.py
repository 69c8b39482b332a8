"""Empties namespaces that are being deleted, whatever kinds are in them, and then lets them go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from steersman.api import codec
from steersman.api.clock import Clock
from steersman.api.errors import MethodNotAllowed, NotFound, StatusError
from steersman.api.meta import Resource, format_time
from steersman.client.metadata import PartialObject
from steersman.client.rest import Client
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.served import Discovered, Served, discover
from steersman.kinds import finalizers
from steersman.kinds.types.core_v1 import Namespace, NamespaceCondition, Pod

PODS = Served(Pod.__resource__, frozenset({"list", "delete", "deletecollection"}))
# How often a namespace whose content takes its time (pods that end gracefully, finalizers) is looked at, in seconds.
AGAIN = 1.0
_PAGE = 500


@dataclass(slots=True)
class Content:
    """What is left of a namespace's content after a pass over it."""

    remaining: Counter[Resource] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    undiscovered: dict[str, str] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether it is certain that nothing is left."""
        return not self.remaining and not self.failures and not self.undiscovered


class Namespaces:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._namespaces = context.informers.informer(Namespace)

    async def reconcile(self, key: str) -> float | None:
        cached = self._namespaces.get(key)
        if cached is None or not cached.metadata.deletionTimestamp:
            return None
        namespace = await self._client.get(Namespace, key)
        if namespace.metadata.uid != cached.metadata.uid:
            return None
        if namespace.status.phase != "Terminating":
            namespace.status.phase = "Terminating"
            namespace = await self._client.update_status(namespace)
        if finalizers.NAMESPACE not in (namespace.spec.finalizers or ()):
            return None
        content = await empty(self._client, key)
        namespace = await self._tell(namespace, content)
        if not content.gone:
            return AGAIN
        await finalize(self._client, namespace)
        return None

    async def _tell(self, namespace: Namespace, content: Content) -> Namespace:
        """Put the content's state into the conditions, if it is news."""
        conditions = merged(namespace.status.conditions or [], conditions_of(content), self._clock)
        if conditions == namespace.status.conditions:
            return namespace
        changed = codec.clone(namespace)
        changed.status.conditions = conditions
        return await self._client.update_status(changed)


async def empty(client: Client, namespace: str) -> Content:
    """Delete everything in the namespace: pods first, and the rest only when they are gone.

    Pods may rely on what is around them (network policies, configuration) until they have ended.
    """
    content = Content()
    await _clear(client, namespace, [PODS], content)
    if not content.gone:
        return content
    try:
        discovered = await discover(client)
    except StatusError as e:
        content.undiscovered["all"] = str(e)
        return content
    content.undiscovered.update(discovered.failures)
    await _clear(client, namespace, deletable(discovered), content)
    return content


def deletable(discovered: Discovered) -> list[Served]:
    """The namespaced resources whose objects can be listed and deleted, without pods."""
    return [
        served
        for served in discovered.resources
        if served.resource.namespaced and {"list", "delete"} <= served.verbs and served.resource != PODS.resource
    ]


async def _clear(client: Client, namespace: str, resources: list[Served], content: Content) -> None:
    async with asyncio.TaskGroup() as tasks:
        for served in resources:
            tasks.create_task(_clear_resource(client, namespace, served, content))


async def _clear_resource(client: Client, namespace: str, served: Served, content: Content) -> None:
    resource = served.resource
    try:
        left = await _list(client, namespace, resource)
        if any(not obj.metadata.deletionTimestamp for obj in left):
            await _delete(client, namespace, served, left)
            left = await _list(client, namespace, resource)
    except (NotFound, MethodNotAllowed):
        # No longer served since discovery.
        return
    except StatusError as e:
        content.failures.append(f"{resource.group_resource}: {e}")
        return
    if left:
        content.remaining[resource] = len(left)
        content.finalizers.update(name for obj in left for name in obj.metadata.finalizers or ())


async def _list(client: Client, namespace: str, resource: Resource) -> list[PartialObject]:
    page = await client.list(PartialObject, namespace, limit=_PAGE, resource=resource)
    found = page.items
    while page.next:
        page = await client.list(PartialObject, namespace, limit=_PAGE, after=page.next, resource=resource)
        found += page.items
    return found


async def _delete(client: Client, namespace: str, served: Served, objects: list[PartialObject]) -> None:
    if "deletecollection" in served.verbs:
        await client.delete_collection(PartialObject, namespace, propagation="Background", resource=served.resource)
        return
    for obj in objects:
        try:
            await client.delete(
                PartialObject, obj.metadata.name, namespace, propagation="Background", resource=served.resource
            )
        except NotFound:
            continue


async def finalize(client: Client, namespace: Namespace) -> None:
    """Take our finalizer away: the API server removes the namespace when it was the last one."""
    changed = codec.clone(namespace)
    changed.spec.finalizers = [f for f in namespace.spec.finalizers or () if f != finalizers.NAMESPACE]
    try:
        await client.update(changed, "finalize")
    except NotFound:
        return


def conditions_of(content: Content) -> list[NamespaceCondition]:
    """The conditions of a namespace being deleted, without times."""
    versions = ", ".join(f"{version}: {why}" for version, why in sorted(content.undiscovered.items()))
    instances = ", ".join(
        f"{resource.plural}.{resource.group} has {count} resource instances"
        for resource, count in sorted(content.remaining.items(), key=lambda item: item[0].plural)
    )
    finalizers = ", ".join(
        f"{name} in {count} resource instances" for name, count in sorted(content.finalizers.items())
    )
    failures = len(content.failures)
    return [
        _condition(
            "NamespaceDeletionDiscoveryFailure",
            f"Discovery failed for some groups, {len(content.undiscovered)} failing: unable to retrieve the complete list "
            f"of server APIs: {versions}"
            if versions
            else "",
            ("DiscoveryFailed", "ResourcesDiscovered", "All resources successfully discovered"),
        ),
        _condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            "",
            ("GroupVersionParsingFailed", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        _condition(
            "NamespaceDeletionContentFailure",
            f"Failed to delete all resource types, {failures} remaining: {', '.join(sorted(content.failures))}"
            if failures
            else "",
            (
                "ContentDeletionFailed",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        _condition(
            "NamespaceContentRemaining",
            f"Some resources are remaining: {instances}" if instances else "",
            ("SomeResourcesRemain", "ContentRemoved", "All content successfully removed"),
        ),
        _condition(
            "NamespaceFinalizersRemaining",
            f"Some content in the namespace has finalizers remaining: {finalizers}" if finalizers else "",
            ("SomeFinalizersRemain", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    ]


def _condition(type_: str, trouble: str, texts: tuple[str, str, str]) -> NamespaceCondition:
    """A condition that is True with the trouble, or False with the texts' second reason and message."""
    bad, good, message = texts
    return NamespaceCondition(
        type=type_,
        status="True" if trouble else "False",
        reason=bad if trouble else good,
        message=trouble or message,
    )


def merged(before: list[NamespaceCondition], now: list[NamespaceCondition], clock: Clock) -> list[NamespaceCondition]:
    """The new conditions over the old ones; those that say the same as before keep their time."""
    known = {c.type: c for c in before}
    for condition in now:
        old = known.get(condition.type)
        same = old is not None and (old.status, old.reason, old.message) == (
            condition.status, condition.reason, condition.message,
        )  # fmt: skip
        if not same:
            condition.lastTransitionTime = format_time(clock.now())
            known[condition.type] = condition
    return list(known.values())


def _when_ending(context: Context, pod: Pod) -> Iterable[str]:
    """The pod's namespace, if it waits for its pods to end."""
    namespace = context.informers.informer(Namespace).get(pod.metadata.namespace)
    return (pod.metadata.namespace,) if namespace is not None and namespace.metadata.deletionTimestamp else ()


CONTROLLER = Controller(
    name="namespace",
    reconciler=Namespaces,
    watches=(own(Namespace), mapped(Pod, _when_ending, lambda old, new: False)),
    workers=4,
    account="namespace-controller",
)
