"""Objects of one kind: reads from its watch cache, and the write path from a decoded object to the store.

Creation: allocate → mutating admission → prepare → validate → validating admission → store. Updates run all of it again
whenever the compare-and-swap loses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, Protocol

from steersman.api import codec, field
from steersman.api.clock import Clock
from steersman.api.errors import AlreadyExists, Conflict, Invalid, NotFound, StatusError
from steersman.api.field import FieldError, Path
from steersman.api.http import User
from steersman.api.meta import Resource, format_time, generate_name, new_uid
from steersman.apiserver import deletion
from steersman.apiserver.admission.framework import CREATE, DELETE, LOOPBACK, UPDATE, Chain, Review
from steersman.apiserver.deletion import Deletion
from steersman.apiserver.managedfields import Track, same_but_times
from steersman.apiserver.params import DeleteOptions, revision_of
from steersman.apiserver.placing import place
from steersman.apiserver.splice import splice
from steersman.apiserver.watchcache import WatchCache
from steersman.kinds.kind import Kind, Served
from steersman.store.errors import KeyExists, RevisionMismatch
from steersman.store.protocol import Store

_GENERATE_TRIES = 8
# Kinds whose dependents outlive them unless the client says otherwise.
_ORPHANING = frozenset({("batch", "jobs"), ("", "replicationcontrollers")})


class Held(Protocol):
    """What an allocator has given to a write that is not committed yet."""

    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Write:
    """Who writes, and how. `subresource` chooses the rules: "" for the object, `status` for its status, else only storage's.

    `track` says in the new object who owns its fields; without it they belong to whom they belonged before.
    """

    user: User
    dry_run: bool = False
    subresource: str = ""
    options: Any = None
    track: Track | None = None
    served: Served | None = None
    """The version in which the client speaks; without it, the stored one."""
    admitted: bool = False
    """Whether this only carries out a request that webhooks have admitted."""
    annotations: dict[str, str] = made(default_factory=dict)
    """Where it is noted down for an audit what becomes of it."""


@dataclass(slots=True)
class Outcome:
    """The object after a write, as encoded in the stored version; `deleted` when the write removed it."""

    obj: Any
    body: bytes
    created: bool = False
    deleted: bool = False


Change = Callable[[Any], Awaitable[Any]]
"""The current object (not to be changed) → the wanted one, a new object."""
Guard = Callable[[Review, str], Awaitable[None]]
"""Raises what keeps a user from writing just this object, once admission has changed it; told the name in the request's path."""
Reserve = Callable[[str, Any, Any], Held]
Version = tuple[bytes, int]
"""A stored value and its revision."""


def _tell(warnings: list[str], more: Sequence[str]) -> None:
    """Add to the warnings. What is tried again, because the object has changed meanwhile, is told of once."""
    known = set(warnings)
    warnings += [w for w in dict.fromkeys(more) if w not in known]


def _tolerated(errors: Sequence[FieldError], write: Write) -> Sequence[FieldError]:
    """What is wrong in the version in which the client speaks."""
    return errors if not errors or write.served is None else write.served.tolerated(errors)


class Registry:
    """One kind's objects. `reserve` gives them what is unique in the cluster (key, object, old object)."""

    def __init__(
        self,
        kind: Kind[Any],
        store: Store,
        cache: WatchCache,
        chain: Chain,
        clock: Clock,
        reserve: Reserve | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.kind = kind
        self.resource: Resource = kind.resource
        self.cache = cache
        self.store = store
        self._chain = chain
        self._clock = clock
        self._reserve = reserve
        self._guard = guard
        self.prefix = prefix_of(kind)
        self._second, self._now = -1, ""

    def key(self, namespace: str, name: str) -> str:
        return f"{self.prefix}{namespace}/{name}" if self.resource.namespaced else self.prefix + name

    def now(self) -> str:
        """The time of a write that happens now."""
        second = int(self._clock.time())
        if second != self._second:
            self._second, self._now = second, format_time(self._clock.now())
        return self._now

    def decode(self, body: bytes) -> Any:
        return codec.decode(self.kind.type, body)

    def at(self, value: bytes, revision: int) -> Any:
        """The object that was stored as `value` by the write with this revision."""
        obj = codec.decode(self.kind.type, value)
        obj.metadata.resourceVersion = str(revision)
        return obj

    async def load(self, value: bytes, revision: int) -> Any:
        """As `at`, for kinds whose objects may have to be converted by somebody else first."""
        return self.at(value, revision)

    async def dump(self, obj: Any) -> bytes:
        """The object as it is stored."""
        return codec.encode(obj)

    def body(self, namespace: str, name: str) -> bytes:
        """The object's bytes. Raises NotFound."""
        cached = self.cache.get(namespace, name)
        if cached is None:
            raise NotFound.of(self.resource, name)
        return cached.body

    def get(self, namespace: str, name: str) -> Any:
        """A fresh copy of the object. Raises NotFound."""
        cached = self.cache.get(namespace, name)
        if cached is None:
            raise NotFound.of(self.resource, name)
        return self.at(cached.value, cached.revision)

    async def read(self, namespace: str, name: str) -> Any:
        """As `get`, whatever has to be done for it."""
        current = self._current(namespace, name)
        if current is None:
            raise NotFound.of(self.resource, name)
        return await self.load(*current)

    def _current(self, namespace: str, name: str) -> Version | None:
        cached = self.cache.get(namespace, name)
        return None if cached is None else (cached.value, cached.revision)

    # Writing

    async def create(self, obj: Any, namespace: str, write: Write, warnings: list[str], *, asked: str = "") -> Outcome:
        """Store a new object of the stored type, with defaults filled in; it is changed in place.

        `asked` is the name in the path, where an update is what makes the object.
        """
        meta = obj.metadata
        generated = not meta.name and bool(meta.generateName)
        self._fill(obj, write)
        for attempt in range(_GENERATE_TRIES):
            if generated:
                meta.name = generate_name(meta.generateName)
            try:
                return await self._create_once(obj, namespace, write, warnings, asked, generated)
            except AlreadyExists:
                if not generated or attempt == _GENERATE_TRIES - 1:
                    raise
        raise AlreadyExists.of(self.resource, meta.name)

    async def plant(self, obj: Any) -> None:
        """Store an object of the server's own just as it is: nobody is asked, and nothing checked. Raises AlreadyExists."""
        self._fill(obj, Write(LOOPBACK))
        meta = obj.metadata
        try:
            await self.store.create(self.key(meta.namespace, meta.name), codec.encode(obj))
        except KeyExists:
            raise AlreadyExists.of(self.resource, meta.name) from None

    def _fill(self, obj: Any, write: Write) -> None:
        meta = obj.metadata
        meta.uid = new_uid()
        meta.creationTimestamp = self.now()
        meta.deletionTimestamp = ""
        meta.deletionGracePeriodSeconds = None
        meta.generation = None
        meta.selfLink = ""
        if write.track is None:
            meta.managedFields = None
        else:
            write.track(obj, None, meta.creationTimestamp)

    async def _create_once(
        self, obj: Any, namespace: str, write: Write, warnings: list[str], asked: str, generated: bool
    ) -> Outcome:
        kind = self.kind
        name = obj.metadata.name
        shown = obj.metadata.generateName if generated else name
        review = Review(
            CREATE, self.resource, write.subresource, namespace, shown, obj, None, write.user, write.dry_run, write.options,
            warnings, kind=kind, served=write.served, admitted=write.admitted, annotations=write.annotations,
            generated=generated,
        )  # fmt: skip
        await self._chain.mutate(review)
        if review.object is not obj:
            # Admission may give it another name, not another place.
            place(review.object.metadata, namespace, namespaced=self.resource.namespaced)
            obj, name = review.object, review.object.metadata.name
        review.name = name
        if self._guard is not None:
            await self._guard(review, asked)
        key = self.key(namespace, name)
        held = self._reserve(key, obj, None) if self._reserve is not None else None
        stored: bool | None = None
        try:
            warnings.extend(kind.early_warnings(obj))
            kind.prepare_create(obj)
            if errors := _tolerated(kind.validate(obj), write):
                raise Invalid.of(self.resource, name, errors)
            warnings.extend(kind.warnings(obj))
            await self._chain.validate(review)
            if obj.metadata.resourceVersion:
                # Not before: who may not create the object at all is told so.
                raise StatusError("resourceVersion should not be set on objects to be created", code=500, reason="")
            data = await self.dump(obj)
            if write.dry_run:
                if self.cache.get(namespace, name) is not None:
                    raise AlreadyExists.of(self.resource, name)
                return Outcome(obj, data, created=True)
            try:
                entry = await self.store.create(key, data)
            except KeyExists:
                raise AlreadyExists.of(self.resource, name) from None
            stored = True
        except Exception:
            stored = False
            raise
        finally:
            if held is not None:
                held.release()
            await review.settle(stored)
        obj.metadata.resourceVersion = str(entry.revision)
        return Outcome(obj, splice(data, entry.revision), created=True)

    async def update(
        self,
        namespace: str,
        name: str,
        change: Change,
        write: Write,
        warnings: list[str],
        *,
        create: Callable[[], Awaitable[Any]] | None = None,
    ) -> Outcome:
        """Change an object by compare-and-swap: `change` is asked again with the newer object after each lost race.

        `create` gives the object to store when there is none; without it that is NotFound.
        """
        current = self._current(namespace, name)
        while True:
            if current is None:
                if create is None:
                    raise NotFound.of(self.resource, name)
                return await self.create(await create(), namespace, write, warnings, asked=name)
            try:
                return await self._update_once(namespace, name, current, change, write, warnings)
            except RevisionMismatch as lost:
                found = lost.current
                current = None if found is None else (found.value, found.revision)

    async def _update_once(
        self,
        namespace: str,
        name: str,
        current: Version,
        change: Change,
        write: Write,
        warnings: list[str],
    ) -> Outcome:
        value, revision = current
        kind = self.kind
        old = await self.load(value, revision)
        new = await change(old)
        self._check_version(new, old)
        self._keep(new.metadata, old.metadata)
        if write.track is None:
            new.metadata.managedFields = old.metadata.managedFields
        else:
            write.track(new, old, self.now())
        review = Review(
            UPDATE, self.resource, write.subresource, namespace, name, new, old, write.user, write.dry_run, write.options,
            warnings, kind=kind, served=write.served, admitted=write.admitted, annotations=write.annotations,
        )  # fmt: skip
        await self._chain.mutate(review)
        if self._guard is not None:
            await self._guard(review, name)
        new = review.object
        place(new.metadata, namespace, namespaced=self.resource.namespaced)
        key = self.key(namespace, name)
        self._prepare_update(new, old, write.subresource)
        # After the preparation, which lets an object keep what it has been given before.
        reserve = self._reserve if write.subresource != "status" else None
        held = reserve(key, new, old) if reserve is not None else None
        stored: bool | None = None
        try:
            if errors := _tolerated(self._check_update(new, old, write.subresource), write):
                raise Invalid.of(self.resource, name, errors)
            await self._chain.validate(review)
            _tell(warnings, kind.warn_update(new, old, write.subresource))
            new.metadata.resourceVersion = ""
            if self._is_finished(new, old):
                return await self._finish(key, new, revision, write)
            data = await self._rewritten(new, old, value)
            new.metadata.resourceVersion = str(revision)
            if write.dry_run:
                return Outcome(new, splice(data, revision))
            if data == value and not self.store.stale(key):
                # Nothing changes: no write, no event, the same version.
                return Outcome(new, splice(value, revision))
            entry = await self.store.update(key, data, revision)
            stored = True
        except Exception:
            stored = False
            raise
        finally:
            if held is not None:
                held.release()
            await review.settle(stored)
        new.metadata.resourceVersion = str(entry.revision)
        return Outcome(new, splice(data, entry.revision))

    async def _rewritten(self, new: Any, old: Any, value: bytes) -> bytes:
        """The object's bytes; those of the old one where only the time differs at which somebody set the same fields."""
        data = await self.dump(new)
        before, entries = old.metadata.managedFields, new.metadata.managedFields
        if data == value or before == entries or not same_but_times(before, entries):
            return data
        new.metadata.managedFields = before
        if await self.dump(new) == value:
            return value
        new.metadata.managedFields = entries
        return data

    def _check_version(self, new: Any, old: Any) -> None:
        meta = new.metadata
        if meta.uid and meta.uid != old.metadata.uid:
            raise Conflict.of(
                self.resource,
                old.metadata.name,
                f"Precondition failed: UID in precondition: {meta.uid}, UID in object meta: {old.metadata.uid}",
            )
        given = meta.resourceVersion
        if given == old.metadata.resourceVersion:
            return
        at = Path("metadata", "resourceVersion")
        revision, problem = revision_of(given)
        if problem:
            raise Invalid.of(self.resource, old.metadata.name, [field.invalid(at, given, problem)])
        if revision:
            if revision != int(old.metadata.resourceVersion):
                raise Conflict.of(self.resource, old.metadata.name)
        elif not self.kind.allow_unconditional_update:
            error = field.invalid(at, 0, "must be specified for an update")
            raise Invalid.of(self.resource, old.metadata.name, [error])

    @staticmethod
    def _keep(meta: Any, old: Any) -> None:
        """What no client changes by an update."""
        meta.uid = old.uid
        meta.creationTimestamp = old.creationTimestamp
        if old.deletionTimestamp:
            meta.deletionTimestamp = old.deletionTimestamp
            if meta.deletionGracePeriodSeconds is None:
                meta.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds
        else:
            meta.deletionTimestamp = ""
            meta.deletionGracePeriodSeconds = None
        meta.generateName = meta.generateName or old.generateName
        meta.generation = old.generation
        meta.selfLink = ""

    def _prepare_update(self, new: Any, old: Any, subresource: str) -> None:
        if subresource == "status":
            self.kind.prepare_status_update(new, old)
        elif subresource in ("", "scale"):
            self.kind.prepare_update(new, old)
        elif self.kind.generation and subresource != "binding" and new.spec != old.spec:
            # The handlers of other subresources have made exactly the change that they stand for, but for this.
            new.metadata.generation = (old.metadata.generation or 0) + 1

    def _check_update(self, new: Any, old: Any, subresource: str) -> Sequence[FieldError]:
        errors = self._judge(new, old, subresource)
        if not errors:
            return errors
        # What an older server has stored lacks defaults that every client's object gets today: nobody has changed those.
        settled = codec.clone(old)
        self.kind.default(settled)
        return errors if settled == old else self._judge(new, settled, subresource)

    def _judge(self, new: Any, old: Any, subresource: str) -> Sequence[FieldError]:
        if subresource == "status":
            return self.kind.validate_status_update(new, old)
        if subresource in ("", "scale"):
            return self.kind.validate_update(new, old)
        return self.kind.validate_subresource(subresource, new, old)

    def _is_finished(self, new: Any, old: Any) -> bool:
        return deletion.finished(new.metadata, old.metadata) and not self.kind.blockers(new)

    async def _finish(self, key: str, new: Any, revision: int, write: Write) -> Outcome:
        """The last finalizer is gone: the update removes the object."""
        data = await self.dump(new)
        if not write.dry_run:
            entry = await self.store.delete(key, revision)
            revision = entry.revision
        return Outcome(new, splice(data, revision), deleted=True)

    async def delete(
        self, namespace: str, name: str, options: DeleteOptions, write: Write, warnings: list[str] | None = None
    ) -> Outcome:
        """Remove an object, or mark it for those who must finish with it first. Raises NotFound, Conflict."""
        warnings = [] if warnings is None else warnings
        current = self._current(namespace, name)
        while current is not None:
            try:
                return await self._delete_once(namespace, name, current, options, write, warnings)
            except RevisionMismatch as lost:
                found = lost.current
                current = None if found is None else (found.value, found.revision)
        raise NotFound.of(self.resource, name)

    async def _delete_once(
        self,
        namespace: str,
        name: str,
        current: Version,
        options: DeleteOptions,
        write: Write,
        warnings: list[str],
    ) -> Outcome:
        value, revision = current
        obj = await self.load(value, revision)
        deletion.check_preconditions(self.resource, obj.metadata, options.preconditions)
        review = Review(
            DELETE, self.resource, write.subresource, namespace, name, None, obj, write.user, options.dry_run, options,
            warnings, kind=self.kind, served=write.served, admitted=write.admitted, annotations=write.annotations,
        )  # fmt: skip
        await self._chain.mutate(review)
        await self._chain.validate(review)
        grace = self.kind.grace_period(obj, options.gracePeriodSeconds)
        outcome = deletion.plan(
            obj,
            options,
            grace or None,
            self._clock.now(),
            orphans=(self.resource.group, self.resource.plural) in _ORPHANING,
            blockers=self.kind.blockers,
        )
        if outcome is Deletion.PENDING:
            return Outcome(obj, splice(value, revision))
        self.kind.on_delete(obj)
        key = self.key(namespace, name)
        obj.metadata.resourceVersion = ""
        data = await self.dump(obj)
        obj.metadata.resourceVersion = str(revision)
        if outcome is Deletion.REMOVE:
            if not options.dry_run:
                await self.store.delete(key, revision)
            return Outcome(obj, splice(data, revision), deleted=True)
        if options.dry_run or data == value:
            return Outcome(obj, splice(data, revision))
        entry = await self.store.update(key, data, revision)
        obj.metadata.resourceVersion = str(entry.revision)
        return Outcome(obj, splice(data, entry.revision))


def prefix_of(kind: Kind[Any]) -> str:
    return f"/registry/{kind.resource.group or 'core'}/{kind.resource.plural}/"
