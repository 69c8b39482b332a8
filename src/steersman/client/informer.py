"""Local copies of collections, kept current by list and watch, and shared by everything in a process that reads them."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar, cast

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import StatusError, Timeout
from steersman.api.meta import Resource, object_key
from steersman.client.rest import ApiObject, Client
from steersman.client.transport import Unreachable
from steersman.client.waiting import Backoff

T = TypeVar("T", bound=ApiObject)
Handler = Callable[[T | None, T | None], None]
Index = Callable[[T], Iterable[str]]
Transform = Callable[[T], T]

PAGE_SIZE = 500
# A watch is asked to end after a random time in this range, so that a connection that died silently is noticed.
WATCH_SECONDS = (300, 600)
# A watch that ends sooner than this without an event counts as a failure.
SHORTEST_WATCH = 1.0
FIRST_RETRY, LONGEST_RETRY = 0.1, 10.0

_log = logging.getLogger(__name__)


def key_of(obj: ApiObject) -> str:
    """`namespace/name`, or the name of a cluster-scoped object."""
    return object_key(obj.metadata.namespace, obj.metadata.name)


class Informer(Generic[T]):
    """A read-only copy of one collection (of a type, perhaps of one namespace and some selectors).

    Contract:
    * Staleness: the copy is a past state of the collection. For each object it never goes back in time; between objects
      there is no order. `version` says how far it has come (`has_seen`).
    * Ordering: subscribers are called synchronously, in the order they subscribed, after the copy and its indexes have
      changed: (None, new) for an addition, (old, new) for a change, (old, None) for a removal. Changes that were undone
      between two looks (a lost watch) are not told. A late subscriber is first told every present object as an addition.
      After a relist an object may have been replaced by one of the same name: compare uids.
    * Ownership: objects belong to the informer. Whoever changes one must `msgspec.structs.replace` or clone it first; with
      `verify=True` (tests) `check_unchanged` finds out who did not.
    * Contents: objects are as the server told them, but without managedFields.
    * Failure: `run` never gives up on the server; an exception of a subscriber ends it.
    * Cancellation: `run` ends when cancelled and may be started again; it then resumes from where it was.
    """

    def __init__(
        self,
        client: Client,
        type_: type[T],
        clock: Clock,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        *,
        resource: Resource | None = None,
        transform: Transform[T] | None = None,
        verify: bool = False,
    ) -> None:
        self.type = type_
        self.resource = resource if resource is not None else type_.__resource__
        self._client = client
        self._clock = clock
        self._scope = {"namespace": namespace, "labels": labels, "fields": fields}
        # `transform` is applied to every object once, before it is kept: it drops what nobody here reads.
        self._transform = transform
        self._objects: dict[str, T] = {}
        self._indexes: dict[str, tuple[Index[T], dict[str, dict[str, T]]]] = {}
        self._handlers: list[Handler[T]] = []
        self._version = ""
        self._backoff = Backoff(FIRST_RETRY, LONGEST_RETRY)
        self._synced = asyncio.Event()
        self._prints: dict[str, bytes] | None = {} if verify else None

    # Reading

    @property
    def synced(self) -> bool:
        """Whether the first list is in."""
        return self._synced.is_set()

    @property
    def version(self) -> str:
        """The resourceVersion up to which the copy is complete; empty before the first list."""
        return self._version

    def has_seen(self, version: str) -> bool:
        """Whether a write of this collection that was answered with `version` is in the copy."""
        return not version or (self._version != "" and int(self._version) >= int(version))

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def get(self, key: str) -> T | None:
        return self._objects.get(key)

    def items(self) -> list[T]:
        return list(self._objects.values())

    def keys(self) -> list[str]:
        return list(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def by(self, index: str, value: str) -> list[T]:
        """The objects that the index files under `value`."""
        return list(self._indexes[index][1].get(value, {}).values())

    # Declaring

    def add_index(self, name: str, function: Index[T]) -> None:
        """File every object under each value of `function(obj)`. Adding an index again changes nothing."""
        if name in self._indexes:
            return
        self._indexes[name] = (function, {})
        for key, obj in self._objects.items():
            self._file(name, key, None, obj)

    def subscribe(self, handler: Handler[T]) -> None:
        self._handlers.append(handler)
        for obj in list(self._objects.values()):
            handler(None, obj)

    def check_unchanged(self) -> None:
        """Raise AssertionError when someone changed an object of the copy (only with `verify`)."""
        for key, before in (self._prints or {}).items():
            if msgspec.json.encode(self._objects[key]) != before:
                raise AssertionError(f"{self.resource.plural} {key!r} was changed inside the informer")

    # Following

    async def run(self) -> None:
        """Follow the collection until cancelled."""
        relist = self._version == ""
        while True:
            try:
                if relist:
                    await self._list()
                    relist = False
                if await self._follow():
                    continue
            except (Unreachable, Timeout, TimeoutError) as e:
                _log.debug("%s: %s", self.resource.plural, e)
            except (StatusError, msgspec.DecodeError) as e:
                # Expired above all: the revision is gone. Whatever else it is, a new list is the safe way on.
                _log.log(logging.WARNING if relist else logging.DEBUG, "%s: %s", self.resource.plural, e)
                relist = True
            await self._clock.sleep(self._backoff.next())

    async def _list(self) -> None:
        """Read the whole collection page by page, then become it, telling the differences."""
        found: dict[str, T] = {}
        version, after = "", ""
        while True:
            page = await self._client.list(
                self.type, limit=PAGE_SIZE, after=after, resource=self.resource, **self._scope
            )
            version = version or page.resource_version
            for obj in page.items:
                found[key_of(obj)] = obj
            after = page.next
            if not after:
                break
        for key in [k for k in self._objects if k not in found]:
            self._change(key, None)
        for key, obj in found.items():
            old = self._objects.get(key)
            if old is None or old.metadata.resourceVersion != obj.metadata.resourceVersion:
                self._change(key, obj)
        self._version = version
        self._synced.set()

    async def _follow(self) -> bool:
        """Apply one watch's events until it ends; whether it was of any use."""
        started = self._clock.monotonic()
        events = 0
        watch = self._client.watch(
            self.type,
            resource_version=self._version,
            timeout=random.randint(*WATCH_SECONDS),
            resource=self.resource,
            **self._scope,
        )
        async with aclosing(watch) as found:
            async for event in found:
                events += 1
                if event.type == "DELETED":
                    self._change(key_of(event.object), None)
                elif event.type != "BOOKMARK":
                    self._change(key_of(event.object), event.object)
                self._version = event.object.metadata.resourceVersion
                self._backoff.reset()
        return events > 0 or self._clock.monotonic() - started >= SHORTEST_WATCH

    def _change(self, key: str, new: T | None) -> None:
        old = self._objects.get(key)
        if old is None and new is None:
            return
        if new is not None and getattr(new.metadata, "managedFields", None):
            # Half of an object, and nobody here reads it. Whoever writes without them leaves the server's as they are.
            new.metadata.managedFields = None
        if self._prints is not None:
            self._verify(key, old, new)
        if new is None:
            del self._objects[key]
        else:
            if self._transform is not None:
                new = self._transform(new)
            self._objects[key] = new
        for name in self._indexes:
            self._file(name, key, old, new)
        for handler in self._handlers:
            handler(old, new)

    def _file(self, name: str, key: str, old: T | None, new: T | None) -> None:
        function, filed = self._indexes[name]
        if old is not None:
            for value in function(old):
                under = filed.get(value)
                if under is not None:
                    under.pop(key, None)
                    if not under:
                        del filed[value]
        if new is not None:
            for value in function(new):
                filed.setdefault(value, {})[key] = new

    def _verify(self, key: str, old: T | None, new: T | None) -> None:
        prints = cast("dict[str, bytes]", self._prints)
        if old is not None and msgspec.json.encode(old) != prints[key]:
            raise AssertionError(f"{self.resource.plural} {key!r} was changed inside the informer")
        if new is None:
            del prints[key]
        else:
            prints[key] = msgspec.json.encode(self._transform(new) if self._transform else new)


class InformerFactory:
    """One informer per collection for a whole process.

    An informer starts when `run` runs and it was asked for, in either order. Indexes and subscribers may be added by anyone.
    """

    def __init__(self, client: Client, clock: Clock, *, verify: bool = False) -> None:
        self._client = client
        self._clock = clock
        self._verify = verify
        self._informers: dict[tuple[Any, ...], Informer[Any]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[tuple[Any, ...], asyncio.Task[None]] = {}

    def informer(
        self,
        type_: type[T],
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        *,
        resource: Resource | None = None,
    ) -> Informer[T]:
        """The shared informer of this collection."""
        key = (type_, resource, namespace, labels, fields)
        found = self._informers.get(key)
        if found is None:
            found = Informer(
                self._client, type_, self._clock, namespace, labels, fields, resource=resource, verify=self._verify
            )
            self._informers[key] = found
            if self._tasks is not None:
                self._running[key] = self._tasks.create_task(found.run())
        return cast("Informer[T]", found)

    def stop(self, informer: Informer[Any]) -> None:
        """Forget a collection that is no longer served (a removed custom resource)."""
        for key, found in list(self._informers.items()):
            if found is informer:
                del self._informers[key]
                task = self._running.pop(key, None)
                if task is not None:
                    task.cancel()

    async def run(self) -> None:
        """Run all informers, also those asked for later, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                for key, informer in self._informers.items():
                    self._running[key] = tasks.create_task(informer.run())
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None
                self._running.clear()

    async def wait_synced(self) -> None:
        """Until every informer asked for so far has its first list."""
        for informer in list(self._informers.values()):
            await informer.wait_synced()

    def check_unchanged(self) -> None:
        for informer in self._informers.values():
            informer.check_unchanged()

    def __iter__(self) -> Iterator[Informer[Any]]:
        return iter(self._informers.values())


def by_namespace(obj: ApiObject) -> Iterable[str]:
    """Index: the object's namespace."""
    return (obj.metadata.namespace,)


def by_owner_uid(obj: ApiObject) -> Iterable[str]:
    """Index: the uids of all owners."""
    return [ref.uid for ref in obj.metadata.ownerReferences or ()]


def by_controller_uid(obj: ApiObject) -> Iterable[str]:
    """Index: the uid of the owner that controls the object."""
    return [ref.uid for ref in obj.metadata.ownerReferences or () if ref.controller]


INDEXES: Mapping[str, Index[Any]] = {
    "namespace": by_namespace,
    "owner": by_owner_uid,
    "controller": by_controller_uid,
}
