"""Counts what the quotas of each namespace limit, and writes it into their status.

Admission charges quotas for what is created; this controller makes room when something goes, counts what was there before
the quota, and mends whatever usage went wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from steersman.api import codec
from steersman.api.errors import NotFound
from steersman.api.meta import Resource
from steersman.client.informer import Informer, by_namespace, key_of
from steersman.client.metadata import PartialObject
from steersman.controller.declaration import Context, Controller, NotYet, read
from steersman.controller.served import discover
from steersman.kinds.core import quota_usage
from steersman.kinds.core.quota_usage import Amounts, Name
from steersman.kinds.types.core_v1 import ResourceQuota

# Every quota is counted anew at least so often; seconds.
RECOUNT = 300.0
# Additions are charged by admission already: they are looked at a little later, many at once; seconds.
LATER = 1.0
# How long the list of what is served is believed in not to have a resource; seconds.
REDISCOVER = 30.0


class ResourceQuotas:
    """Collections are followed from the first quota on that counts their objects."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._client, self._clock, self._queue = context.client, context.clock, context.queue
        self._quotas = context.informers.informer(ResourceQuota)
        self._quotas.add_index("namespace", by_namespace)
        self._quotas.subscribe(self._quota_changed)
        self._followed: dict[Name, Informer[Any]] = {}
        self._served: dict[Name, Resource] = {}
        self._discovered: float | None = None

    async def reconcile(self, key: str) -> float | None:
        quota = self._quotas.get(key)
        if quota is None or quota.metadata.deletionTimestamp:
            return None
        hard = quota.spec.hard or {}
        by_resource: dict[Name, list[str]] = {}
        for name in hard:
            resource = quota_usage.counted_by(name)
            if resource is not None and await self._follow(resource):
                by_resource.setdefault(resource, []).append(name)
        used: Amounts = {}
        for resource, names in by_resource.items():
            used.update(self._count(quota, resource, names))
        status = quota.status
        if status.hard == hard and status.used == used:
            return RECOUNT
        changed = codec.clone(quota)
        changed.status.hard, changed.status.used = dict(hard), used
        try:
            stored = await self._client.update_status(changed)
        except NotFound:
            return None
        # The server raises usage that does not have what is on its way.
        return RECOUNT if stored.status.used == used else LATER

    def _count(self, quota: ResourceQuota, resource: Name, names: Iterable[str]) -> Amounts:
        """What the namespace's objects of this resource use."""
        meter = quota_usage.meter(*resource)
        objects = self._followed[resource].by("namespace", quota.metadata.namespace)
        if meter is None:
            return {}
        if quota_usage.type_of(resource) is None:
            # No scope chooses among objects that only their number is known of.
            count = 0 if quota_usage.scopes_of(quota) else len(objects)
            return dict.fromkeys(names, str(count))
        now = self._clock.now()
        return quota_usage.total((meter.usage(obj, now) for obj in objects if meter.covers(quota, obj)), names)

    # Following

    async def _follow(self, resource: Name) -> bool:
        """Have the resource's objects at hand; False when it is not served."""
        informer = self._followed.get(resource)
        if informer is None:
            informer = await self._open(resource)
            if informer is None:
                return False
            self._followed[resource] = informer
            informer.add_index("namespace", by_namespace)
            informer.subscribe(lambda old, new: self._object_changed(resource, old, new))
        await informer.wait_synced()
        return True

    async def _open(self, resource: Name) -> Informer[Any] | None:
        type_ = quota_usage.type_of(resource)
        informers = self._context.informers
        if type_ is not None and not resource[0]:
            return informers.informer(type_)
        found = await self._resolve(resource)
        if found is None:
            return None
        return informers.informer(PartialObject, resource=found) if type_ is None else informers.informer(type_)

    async def _resolve(self, name: Name) -> Resource | None:
        """The resource in the version that it is served in."""
        now = self._clock.monotonic()
        if name not in self._served and (self._discovered is None or now - self._discovered >= REDISCOVER):
            found = await discover(self._client)
            if found.failures:
                raise NotYet(f"discovery: {found.failures}")
            self._discovered = now
            self._served = {
                (s.resource.group, s.resource.plural): s.resource
                for s in found.resources
                if s.resource.namespaced and {"list", "watch"} <= s.verbs
            }
        return self._served.get(name)

    # Events

    def _quota_changed(self, old: ResourceQuota | None, new: ResourceQuota | None) -> None:
        if new is None:
            return
        key = key_of(new)
        if old is None or old.spec != new.spec or new.status.hard != new.spec.hard:
            self._queue.add(key)
        else:
            # A charge: what it was for is on its way, or was refused after all.
            self._queue.add_after(key, LATER)

    def _object_changed(self, resource: Name, old: Any, new: Any) -> None:
        namespace = (new or old).metadata.namespace
        quotas = [q for q in self._quotas.by("namespace", namespace) if _counts(q, resource)]
        if not quotas or (old is not None and new is not None and not self._differ(resource, old, new)):
            return
        for quota in quotas:
            if old is None:
                self._queue.add_after(key_of(quota), LATER)
            else:
                self._queue.add(key_of(quota))

    def _differ(self, resource: Name, old: Any, new: Any) -> bool:
        """Whether the object counts otherwise than before."""
        meter = quota_usage.meter(*resource)
        if meter is None or quota_usage.type_of(resource) is None:
            return False
        now = self._clock.now()
        return old.spec != new.spec or meter.usage(old, now) != meter.usage(new, now)


def _counts(quota: ResourceQuota, resource: Name) -> bool:
    return any(quota_usage.counted_by(name) == resource for name in quota.spec.hard or ())


CONTROLLER = Controller(
    name="resourcequota",
    reconciler=ResourceQuotas,
    watches=(read(ResourceQuota),),
    workers=2,
    account="resourcequota-controller",
)
