"""Field management: keeps metadata.managedFields true at every write, and carries out server-side apply.

One FieldManager per served kind and subresource. It turns entries into owners, lets `api.apply` decide, and writes entries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache, cached_property
from operator import attrgetter
from typing import Any

from steersman.api import apply as applying
from steersman.api import codec, fieldset, typed_walk
from steersman.api.apply import Applied, Conflict, Conflicts, Document, Manager, Operation, Owned, Owners, Versions
from steersman.api.errors import BadRequest, StatusError
from steersman.api.errors import Conflict as ConflictError
from steersman.api.fieldset import LEAF, FieldSet, FieldSetError
from steersman.api.memo import Memo
from steersman.api.meta import Resource
from steersman.api.typed import Node, TypedError, schema_of
from steersman.kinds.kind import Kind, Served
from steersman.kinds.metadata import ANNOTATIONS_LIMIT
from steersman.kinds.types.meta_v1 import ManagedFieldsEntry

Entries = list[ManagedFieldsEntry]
Times = dict[Manager, str]
Track = Callable[[Any, Any, str], None]
"""(new object, old object or None, now) → sets the new object's managedFields."""

MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_APPLY = "before-first-apply"
KUBECTL = "kubectl"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_UNKNOWN = "unknown"
_MAX_NAME = 128
_FIELDS_V1 = "FieldsV1"
_OPERATIONS: dict[str, Operation] = {"Apply": "Apply", "Update": "Update"}
_NO_SPEC = ("kind", "apiVersion", "metadata", "status")
_METADATA = "metadata"
_IDENTITY = frozenset({"kind", "apiVersion"})
_PARTLY_OWNED = _IDENTITY | {_METADATA}
_META = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
         "resourceVersion")  # fmt: skip
# What nobody owns: the object's identity, and what only the server writes.
_UNOWNED = fieldset.from_paths(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", fieldset.field(n)) for n in _META)]
)


def manager_name(field_manager: str, user_agent: str) -> str:
    """The manager that a request names, or its client's name up to the first slash."""
    if field_manager:
        return field_manager
    text = "".join(c for c in user_agent.partition("/")[0] if c.isprintable())
    return text.encode()[:_MAX_NAME].decode(errors="ignore") or _UNKNOWN


# Entries


def decode(entries: Iterable[ManagedFieldsEntry]) -> tuple[Owners, Times]:
    """The owners that stored entries tell of, and when each has last written."""
    owners: Owners = {}
    times: Times = {}
    for entry in entries:
        operation = _OPERATIONS[entry.operation]
        version = "" if operation == "Apply" else entry.apiVersion
        manager = Manager(entry.manager, operation, version, entry.subresource)
        owners[manager] = Owned(entry.fieldsV1 or LEAF, entry.apiVersion)
        times[manager] = entry.time
    return owners, times


def checked(entries: Iterable[ManagedFieldsEntry]) -> Entries:
    """The entries that a client has written, their sets in the one spelling. Raises FieldSetError."""
    out: Entries = []
    for position, entry in enumerate(entries):
        if entry.operation not in _OPERATIONS:
            raise FieldSetError("operation must be `Apply` or `Update`")
        if not entry.apiVersion:
            raise FieldSetError("apiVersion must not be empty")
        if not entry.fieldsType:
            raise FieldSetError(f"missing fieldsType in managed fields entry {position}")
        if entry.fieldsType != _FIELDS_V1:
            raise FieldSetError(f'invalid fieldsType "{entry.fieldsType}" in managed fields entry {position}')
        fields = fieldset.ordered(fieldset.parse(entry.fieldsV1 or {}))
        out.append(
            ManagedFieldsEntry(
                manager=entry.manager,
                operation=entry.operation,
                apiVersion=entry.apiVersion,
                time=entry.time,
                fieldsType=_FIELDS_V1,
                fieldsV1=fields,
                subresource=entry.subresource,
            )
        )
    return out


def encode(owners: Owners, times: Times) -> Entries | None:
    """The entries, in the order in which they are written; None for none."""
    entries = [
        ManagedFieldsEntry(
            manager=manager.name,
            operation=manager.operation,
            apiVersion=owned.version,
            time=times.get(manager, ""),
            fieldsType=_FIELDS_V1,
            fieldsV1=owned.fields,
            subresource=manager.subresource,
        )
        for manager, owned in owners.items()
    ]
    entries.sort(key=lambda e: (e.operation, e.time, e.manager, e.apiVersion, e.subresource))
    return entries or None


def is_reset(entries: Entries | None) -> bool:
    """Whether a client asks for ownership to be forgotten: by an empty list, or by one empty entry."""
    return entries is not None and (not entries or (len(entries) == 1 and entries[0] == ManagedFieldsEntry()))


def same_but_times(a: Entries | None, b: Entries | None) -> bool:
    """Whether two lists of entries tell of the same owners."""
    if a is None or b is None:
        return a is b
    return len(a) == len(b) and {_timeless(e) for e in a} == {_timeless(e) for e in b} and _same_fields(a, b)


def _timeless(entry: ManagedFieldsEntry) -> tuple[str, ...]:
    return (entry.manager, entry.operation, entry.apiVersion, entry.subresource)


def _same_fields(a: Entries, b: Entries) -> bool:
    known = {_timeless(e): e.fieldsV1 for e in a}
    return all(known[_timeless(e)] == e.fieldsV1 for e in b)


def _outline(meta: Any) -> tuple[Any, ...]:
    """All that the owned fields of an object's metadata depend on."""
    labels, annotations = meta.labels, meta.annotations
    return (
        labels and list(labels),
        annotations and list(annotations),
        bool(meta.generateName),
        meta.ownerReferences,
        meta.finalizers,
    )


_owned_metadata = attrgetter(
    "labels", "annotations", "generateName", "ownerReferences", "finalizers", "deletionTimestamp", "deletionGracePeriodSeconds"
)  # fmt: skip
"""All of an object's metadata that somebody may own: what is not in `_META`."""


# Versions of a kind


class KindVersions:
    """A kind's versions, as `api.apply` asks for them."""

    def __init__(self, kind: Kind[Any]) -> None:
        self._served = {s.resource.api_version: s for s in kind.served()}

    def schema(self, version: str) -> Node | None:
        served = self._served.get(version)
        return schema_of(served.type) if served is not None else None

    def convert(self, document: Document, source: str, target: str) -> Document:
        if source == target:
            return document
        start, end = self._served[source], self._served[target]
        obj = end.from_stored(start.to_stored(codec.from_builtins(start.type, document)[0]))
        out: Document = codec.to_builtins(obj)
        return out


@cache
def _status_only(fields: tuple[str, ...]) -> FieldSet:
    spec = [(fieldset.field(n),) for n in fields if n not in _NO_SPEC]
    meta = [("f:metadata", fieldset.field(n)) for n in ("ownerReferences", "finalizers", "generation")]
    return fieldset.from_paths([*spec, *meta])


_STATUS = fieldset.from_paths([("f:status",)])
# What the creators of objects have stated in parts of them, for all kinds together.
_known: Memo[FieldSet] = Memo()


def reset_fields(kind: Kind[Any], subresource: str, schema: Node, *, create: bool = False) -> FieldSet:
    """The fields that a write through the subresource (or, without one, of the object) leaves as they are."""
    if not kind.has_status:
        return LEAF
    if subresource == "status":
        return _status_only(("spec", *(schema.map.fields if schema.map is not None else ())))
    if subresource or (create and kind.status_on_create):
        return LEAF
    return _STATUS


# Writes


class FieldManager:
    """Tracks the owners of the fields of one kind's objects, as written in one version and through one subresource.

    `versions` knows the schemas where there are no types for it: of custom resources.
    """

    def __init__(self, served: Served, subresource: str = "", versions: Versions | None = None) -> None:
        self.served, self.subresource = served, subresource
        self.version = served.resource.api_version
        self.versions: Versions = KindVersions(served.kind) if versions is None else versions

    @cached_property
    def schema(self) -> Node:
        """The schema of the version that is written."""
        found = self.versions.schema(self.version)
        return found if found is not None else schema_of(self.served.type)

    def reset(self, *, create: bool = False) -> FieldSet:
        """The fields that such a write leaves as they are."""
        return reset_fields(self.served.kind, self.subresource, self.schema, create=create)

    def tracker(self, name: str) -> Track:
        """What the registry calls when this manager creates or updates an object."""

        def track(new: Any, old: Any, now: str) -> None:
            if old is None:
                self.created(new, name, now)
            else:
                self.updated(new, old, name, now)

        return track

    def created(self, obj: Any, name: str, now: str) -> None:
        """Set the managedFields of an object that the manager creates."""
        owners, times = decode(self._sent(obj.metadata.managedFields, None) or ())
        obj.metadata.managedFields = None
        if owners or not self._by_parts:
            self._track(obj, None, owners, times, name, now, self.reset(create=True))
            return
        try:
            fields = self._stated(obj)
        except TypedError:
            # As for any write, validation says what is wrong.
            return
        if fields:
            manager = self._manager(name, "Update")
            obj.metadata.managedFields = encode({manager: Owned(fields, self.version)}, {manager: now})

    @cached_property
    def _by_parts(self) -> bool:
        """Whether the parts of an object (its metadata, its spec…) can be looked at one by one: it is as it is stored, and a
        Struct."""
        return self.served.version is None and type(self.versions) is KindVersions

    def _stated(self, obj: Any) -> FieldSet:
        """What the creator of an object owns. Parts with the same bytes state the same fields."""
        out: FieldSet = {}
        for name in obj.__struct_fields__:
            part = getattr(obj, name)
            if name in _IDENTITY or part == getattr(self._blank, name):
                continue
            # Of metadata, only what is there matters, not the values.
            data = codec.encode(_outline(part) if name == _METADATA else part)
            fields = _known.get((self, name), data)
            if fields is None:
                fields = self._stated_in(name, part)
                _known.put((self, name), data, fields)
            out.update(fields)
        return out

    def _stated_in(self, name: str, part: Any) -> FieldSet:
        before = {name: self.empty[name]} if name in self.empty else {}
        found = typed_walk.compare(self.schema, before, {name: codec.to_builtins(part)}).changed
        return fieldset.difference(fieldset.recursive_difference(found, self.reset(create=True)), _UNOWNED)

    def updated(self, new: Any, old: Any, name: str, now: str) -> None:
        """Set the managedFields of an object that the manager changes from `old`."""
        live = old.metadata.managedFields
        sent = new.metadata.managedFields
        if self.subresource or sent == live:
            entries = live
        elif is_reset(sent):
            entries = None
        else:
            entries = self._sent(sent, live)
        if not entries:
            # Nobody's fields are tracked, and the first to apply begins with it.
            new.metadata.managedFields = None
            return
        owners, times = decode(entries)
        new.metadata.managedFields = live
        self._track(new, old, owners, times, name, now, self.reset())

    def _track(self, new: Any, old: Any, owners: Owners, times: Times, name: str, now: str, reset: FieldSet) -> None:
        """Set the entries of `new`, which is written over `old` (None: over nothing)."""
        manager = self._manager(name, "Update")
        try:
            before, after = self._differing(new, old, owners)
            owners, fields = applying.update(before, after, self.version, owners, manager, self.versions, reset=reset)
        except TypedError:
            # Items without identity: validation says what is wrong with them.
            return
        fields = fieldset.difference(fields, _UNOWNED)
        if fields:
            previous = owners.get(manager)
            if previous is None:
                owners[manager] = Owned(fields, self.version)
            elif fieldset.difference(fields, previous.fields):
                owners[manager] = Owned(fieldset.ordered(fieldset.union(fields, previous.fields)), self.version)
            times[manager] = now
        new.metadata.managedFields = encode(*capped(owners, times))

    def _differing(self, new: Any, old: Any, owners: Owners) -> tuple[Document, Document]:
        """The old object and the new one, without parts that are the same in both where nobody needs the whole."""
        if old is None:
            return self.empty, self.document(new)
        if not self._by_parts or any(owned.version != self.version for owned in owners.values()):
            return self.document(old), self.document(new)
        parts = [n for n in new.__struct_fields__ if n not in _PARTLY_OWNED and getattr(new, n) != getattr(old, n)]
        if _owned_metadata(new.metadata) != _owned_metadata(old.metadata):
            parts.insert(0, _METADATA)
        return self._parts(old, parts), self._parts(new, parts)

    def _parts(self, obj: Any, names: list[str]) -> Document:
        """These parts of the object, without those that are absent and without managedFields."""
        meta = obj.metadata
        entries, meta.managedFields = meta.managedFields, None
        try:
            parts = {n: getattr(obj, n) for n in names}
            return {
                n: codec.to_builtins(p) for n, p in parts.items() if n in self.empty or p != getattr(self._blank, n)
            }
        finally:
            meta.managedFields = entries

    @cached_property
    def empty(self) -> Document:
        """What is there before an object is: parts that every object has are not its creator's."""
        out: Document = codec.to_builtins(self.served.type())
        return out

    @cached_property
    def _blank(self) -> Any:
        return self.served.type()

    def _sent(self, sent: Entries | None, live: Entries | None) -> Entries | None:
        """The entries that a client sends along, if they are any good."""
        if not sent or is_reset(sent):
            return live
        try:
            return checked(sent)
        except FieldSetError:
            return live

    def document(self, obj: Any) -> Document:
        """The object in this version, without managedFields."""
        meta = obj.metadata
        entries, meta.managedFields = meta.managedFields, None
        try:
            out: Document = codec.to_builtins(self.served.from_stored(obj))
        finally:
            meta.managedFields = entries
        return out

    def _manager(self, name: str, operation: Operation) -> Manager:
        return Manager(name, operation, "" if operation == "Apply" else self.version, self.subresource)

    def apply(self, live: Any, config: Any, name: str, now: str, *, force: bool) -> tuple[Document, Entries | None]:
        """Apply a configuration to the live object (None for a new one): the object in this version, and its entries.

        Raises BadRequest, Conflict, and StatusError (500) for a configuration that does not fit the type.
        """
        check(config, self.served.resource, self.schema)
        before = {} if live is None else self.document(live)
        owners, times = decode(() if live is None else live.metadata.managedFields or ())
        if not owners and live is not None:
            owners, times = self._before_first_apply(before, now)
        me = self._manager(name, "Apply")
        try:
            done = self._apply(before, config, owners, me, force)
        except TypedError as error:
            raise StatusError(f"failed to merge config: {error}", code=500, reason="") from error
        owners = dict(done.owners)
        mine = fieldset.ordered(fieldset.difference(owners[me].fields, _UNOWNED)) if me in owners else LEAF
        owners.pop(me, None)
        if mine:
            owners[me] = Owned(mine, self.version)
        known, _ = decode(() if live is None else live.metadata.managedFields or ())
        if done.document is not before or known.get(me) != owners.get(me):
            times[me] = now
        document = done.document
        if name == KUBECTL:
            document = _with_last_applied(document, config)
        return document, encode(owners, times)

    def _before_first_apply(self, live: Document, now: str) -> tuple[Owners, Times]:
        """Everything that is there belongs to a manager of its own, so that the first apply meets conflicts."""
        fields = typed_walk.compare(self.schema, self.empty, live).changed
        reset = self.reset()
        fields = fieldset.difference(fieldset.recursive_difference(fields, reset), _UNOWNED)
        manager = self._manager(BEFORE_APPLY, "Update")
        return ({manager: Owned(fieldset.ordered(fields), self.version)} if fields else {}), {manager: now}

    def _apply(self, live: Document, config: Document, owners: Owners, me: Manager, force: bool) -> Applied:
        reset = self.reset()
        try:
            return applying.apply(live, config, self.version, owners, me, self.versions, force=force, reset=reset)
        except Conflicts as conflicts:
            left = conflicts.found
            if me.name == KUBECTL:
                left = self._not_last_applied(live, left)
            if left:
                raise conflict_error(left) from conflicts
        return applying.apply(live, config, self.version, owners, me, self.versions, force=True, reset=reset)

    def _not_last_applied(self, live: Document, found: list[Conflict]) -> list[Conflict]:
        """The conflicts without those that kubectl itself has made, by client-side apply."""
        text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
        try:
            applied = json.loads(text or "null")
            if not isinstance(applied, dict) or applied.get("apiVersion") != self.version:
                return found
            typed_walk.validate(self.schema, applied)
            allowed = applying.allowed_by_last_applied(self.schema, applied, live)
        except (ValueError, TypedError):
            return found
        return [c for c in found if not fieldset.has(allowed, c.path)]


def check(config: Any, resource: Resource, schema: Node) -> None:
    """Raise BadRequest, or StatusError (500), for an applied configuration that is not one of this type."""
    plain = config if isinstance(config, dict) else {}
    group, _, version = str(plain.get("apiVersion") or "").rpartition("/")
    found = f"{group}/{version}, Kind={plain.get('kind') or ''}"
    if (group, version, plain.get("kind")) != (resource.group, resource.version, resource.kind):
        raise BadRequest(f"invalid object type: {found}")
    meta = plain.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    if meta.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    try:
        typed_walk.validate(schema, config)
    except TypedError as error:
        where = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}; {found}"
        text = f"failed to create typed patch object ({where}): {error}"
        raise StatusError(text, code=500, reason="") from error


def capped(owners: Owners, times: Times) -> tuple[Owners, Times]:
    """The owners with the oldest updaters folded into one per version, when there are too many of them."""
    updaters = [m for m in owners if m.operation == "Update"]
    excess = len(updaters) - MAX_UPDATERS
    if excess <= 0:
        return owners, times
    owners, times = dict(owners), dict(times)
    first: dict[str, Manager] = {}
    for manager in sorted(updaters, key=lambda m: (times.get(m, ""), m)):
        if excess <= 0:
            break
        version = owners[manager].version
        if version not in first:
            first[version] = manager
            continue
        bucket = Manager(ANCIENT, "Update", version)
        if bucket not in owners:
            owners[bucket] = owners.pop(first[version])
        if manager != bucket:
            merged = fieldset.union(owners[bucket].fields, owners.pop(manager).fields)
            owners[bucket] = Owned(fieldset.ordered(merged), version)
        times[bucket] = times.get(manager, "")
        excess -= 1
    return owners, times


def conflict_error(found: list[Conflict]) -> ConflictError:
    """The answer to an apply that meets conflicts."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {conflict.manager}",
            "field": fieldset.describe(conflict.path),
        }
        for conflict in found
    ]
    return ConflictError(applying.conflict_message(found), details={"causes": causes})


def _with_last_applied(document: Document, config: Document) -> Document:
    """The document with kubectl's annotation, where it has one, telling of this configuration."""
    meta = document.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return document
    stated = config.get("metadata") or {}
    if stated.get("annotations"):
        rest = {k: v for k, v in stated["annotations"].items() if k != LAST_APPLIED}
        config = {**config, "metadata": {**stated, "annotations": rest}}
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    annotations = {**annotations, LAST_APPLIED: text}
    if sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items()) > ANNOTATIONS_LIMIT:
        del annotations[LAST_APPLIED]
    return {**document, "metadata": {**meta, "annotations": annotations}}
