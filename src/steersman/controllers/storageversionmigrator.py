"""StorageVersionMigrations: every object of a resource is written again, so that all are stored in the version of today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from steersman.api import codec
from steersman.api.errors import Conflict, NotFound, StatusError
from steersman.api.meta import Resource, format_time
from steersman.client.metadata import PartialObject
from steersman.controller.declaration import Context, Controller, NotYet, own
from steersman.controller.served import discover
from steersman.kinds.types.meta_v1 import Condition, GroupResource
from steersman.kinds.types.storagemigration_v1 import StorageVersionMigration

RUNNING, SUCCEEDED, FAILED = "Running", "Succeeded", "Failed"
_REASONS = {
    RUNNING: "StorageVersionMigrationInProgress",
    SUCCEEDED: "StorageVersionMigrationSucceeded",
    FAILED: "StorageVersionMigrationFailed",
}
# How long a resource may be unknown, in seconds: it may have been defined just now.
PATIENCE = 60.0
PAGE = 500


def is_over(migration: StorageVersionMigration) -> bool:
    return any(c.type in (SUCCEEDED, FAILED) and c.status == "True" for c in migration.status.conditions or ())


def conditions(before: Sequence[Condition] | None, type_: str, message: str, now: datetime) -> list[Condition]:
    """The conditions with that one True; what has ended runs no more."""
    time, found = format_time(now), [c for c in before or () if c.type != type_]
    for condition in found:
        if condition.type == RUNNING and condition.status == "True" and type_ != RUNNING:
            condition.status, condition.lastTransitionTime = "False", time
    new = Condition(type=type_, status="True", reason=_REASONS[type_], message=message, lastTransitionTime=time)
    return [*found, new]


class StorageVersionMigrator:
    def __init__(self, context: Context) -> None:
        self._client, self._clock = context.client, context.clock
        self._migrations = context.informers.informer(StorageVersionMigration)

    async def reconcile(self, key: str) -> float | None:
        migration = self._migrations.get(key)
        if migration is None or is_over(migration):
            return None
        resource = await self._find(migration.spec.resource)
        if resource is None:
            age = self._clock.now() - datetime.fromisoformat(migration.metadata.creationTimestamp or "")
            left = PATIENCE - age.total_seconds()
            if left > 0:
                return left
            await self._tell(migration, FAILED, "resource not found")
            return None
        migration = await self._start(migration, resource)
        try:
            await self._rewrite(resource)
        except StatusError as e:
            await self._tell(migration, FAILED, f"migration encountered unhandled error: {e}")
            return None
        await self._tell(migration, SUCCEEDED, "")
        return None

    async def _find(self, wanted: GroupResource) -> Resource | None:
        found = await discover(self._client)
        for served in found.resources:
            resource = served.resource
            if (resource.group, resource.plural) == (wanted.group, wanted.resource) and "patch" in served.verbs:
                return resource
        if found.failures:
            raise NotYet(f"not everything that is served is known: {', '.join(found.failures)}")
        return None

    async def _start(self, migration: StorageVersionMigration, resource: Resource) -> StorageVersionMigration:
        """Say that it runs, and from which state of the collection on."""
        if migration.status.resourceVersion:
            return migration
        page = await self._client.list(PartialObject, limit=1, resource=resource)
        changed = codec.clone(migration)
        changed.status.resourceVersion = page.resource_version
        return await self._tell(changed, RUNNING, "")

    async def _tell(self, migration: StorageVersionMigration, type_: str, message: str) -> StorageVersionMigration:
        changed = codec.clone(migration)
        changed.status.conditions = conditions(changed.status.conditions, type_, message, self._clock.now())
        return await self._client.update_status(changed)

    async def _rewrite(self, resource: Resource) -> None:
        after = ""
        while True:
            page = await self._client.list(PartialObject, limit=PAGE, after=after, resource=resource)
            for found in page.items:
                await self._touch(resource, found)
            after = page.next
            if not after:
                return

    async def _touch(self, resource: Resource, found: PartialObject) -> None:
        """A write that changes nothing: the server stores the object again if it is stored in another version."""
        meta = found.metadata
        same = {"metadata": {"uid": meta.uid, "resourceVersion": meta.resourceVersion}}
        try:
            await self._client.patch(PartialObject, meta.name, same, meta.namespace, resource=resource)
        except (Conflict, NotFound):
            # Written since then, hence in the version of today; or gone.
            return


CONTROLLER = Controller(
    name="storageversionmigrator",
    reconciler=StorageVersionMigrator,
    watches=(own(StorageVersionMigration),),
    component="storage-version-migrator-controller",
    account="storage-version-migrator-controller",
)
