"""Server-side apply: who owns which fields, and what an applied configuration does to a live object.

Pure functions on plain values. `update` says who owns what after an ordinary write, `apply` merges a configuration into an
object: fields that another manager owns with another value are conflicts, and fields that the same manager applied before
and has dropped are removed unless somebody else owns them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Protocol

from steersman.api import fieldset, typed_walk
from steersman.api.fieldset import LEAF, FieldSet
from steersman.api.typed import ListType, MapType, Node
from steersman.api.typed_walk import Comparison

Operation = Literal["Apply", "Update"]
Document = dict[str, Any]


class Manager(NamedTuple):
    """Who owns fields: a name and how it writes. Appliers are the same manager in every version (`version` is empty)."""

    name: str
    operation: Operation
    version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """As messages name it."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.version}" if self.operation == "Update" else text


class Owned(NamedTuple):
    """The fields of one manager, as they are called in an API version."""

    fields: FieldSet
    version: str


Owners = dict[Manager, Owned]


class Versions(Protocol):
    """The versions of one kind."""

    def schema(self, version: str) -> Node | None:
        """The schema in this version; None for one that is not known (any more)."""
        ...

    def convert(self, document: Document, source: str, target: str) -> Document:
        """The document in another version. Both are known."""
        ...


class Conflict(NamedTuple):
    """A field that somebody else owns with another value."""

    manager: Manager
    path: fieldset.Path


class Conflicts(Exception):
    """What an apply without force must not take over."""

    def __init__(self, found: Iterable[Conflict]) -> None:
        self.found = list(found)
        super().__init__(conflict_message(self.found))

    @property
    def fields(self) -> FieldSet:
        return fieldset.from_paths(c.path for c in self.found)


def conflict_message(found: list[Conflict]) -> str:
    """Every conflict, by manager."""
    if len(found) == 1:
        return f"Apply failed with 1 conflict: conflict with {found[0].manager}: {fieldset.describe(found[0].path)}"
    by_manager: dict[Manager, list[str]] = {}
    for conflict in found:
        by_manager.setdefault(conflict.manager, []).append(f"- {fieldset.describe(conflict.path)}")
    lines: list[str] = []
    for manager in sorted(by_manager):
        lines += [f"conflicts with {manager}:", *by_manager[manager]]
    text = "\n".join(lines)
    return f"Apply failed with {len(found)} conflicts: {text}"


# Ordinary writes


class Updated(NamedTuple):
    """Ownership after a write, without what the write itself set: that are the fields `written`."""

    owners: Owners
    written: FieldSet


def update(
    live: Document,
    new: Document,
    version: str,
    owners: Owners,
    me: Manager,
    versions: Versions,
    *,
    reset: FieldSet = LEAF,
) -> Updated:
    """Who owns what when `me` replaces `live` by `new`. `reset` are fields that such a write cannot change.

    Raises TypedError when list items have no identity.
    """
    schema = versions.schema(version)
    if schema is None:
        return Updated(owners, LEAF)
    compared = _without(typed_walk.compare(schema, live, new), reset)
    left = _without_taken(owners, _Compared(live, new, version, compared, versions, reset), me)
    mine = left.get(me)
    if mine is not None and compared.removed:
        kept = fieldset.difference(mine.fields, compared.removed)
        if not kept:
            del left[me]
        elif kept != mine.fields:
            left[me] = Owned(kept, mine.version)
    return Updated(left, compared.changed)


def _without(compared: Comparison, reset: FieldSet) -> Comparison:
    if not reset:
        return compared
    return Comparison(*(fieldset.recursive_difference(fields, reset) for fields in compared))


class _Compared:
    """One comparison of two documents, in every version that is asked for."""

    def __init__(
        self, live: Document, new: Document, version: str, compared: Comparison, versions: Versions, reset: FieldSet
    ) -> None:
        self.live, self.new, self.version, self.versions, self.reset = live, new, version, versions, reset
        self._known: dict[str, Comparison | None] = {version: compared}

    def of(self, version: str) -> Comparison | None:
        """None for a version that is gone: whoever wrote in it owns nothing any more."""
        if version not in self._known:
            self._known[version] = self._compare(version)
        return self._known[version]

    def _compare(self, version: str) -> Comparison | None:
        schema = self.versions.schema(version)
        if schema is None:
            return None
        live, new = (self.versions.convert(d, self.version, version) if d else d for d in (self.live, self.new))
        return _without(typed_walk.compare(schema, live, new), self.reset)


def _without_taken(owners: Owners, compared: _Compared, me: Manager) -> Owners:
    """The owners, without the fields that changed or went; `me` keeps its own."""
    out: Owners = {}
    for manager, owned in owners.items():
        if manager == me:
            out[manager] = owned
            continue
        found = compared.of(owned.version)
        if found is None:
            continue
        if not found.changed and not found.removed:
            out[manager] = owned
            continue
        fields = fieldset.difference(fieldset.difference(owned.fields, found.changed), found.removed)
        if fields:
            out[manager] = Owned(fields, owned.version) if fields != owned.fields else owned
    return out


# Apply


class Applied(NamedTuple):
    """The object and its owners after an apply; `document` is the live one itself when nothing changed."""

    document: Document
    owners: Owners


def apply(
    live: Document,
    config: Document,
    version: str,
    owners: Owners,
    me: Manager,
    versions: Versions,
    *,
    force: bool = False,
    reset: FieldSet = LEAF,
) -> Applied:
    """Merge a configuration, which has been validated, into the live object (empty for a new one).

    Neither is changed. Raises Conflicts.
    """
    schema = versions.schema(version)
    if schema is None:
        raise KeyError(version)
    owners = {manager: _settled_owner(owned, versions) for manager, owned in owners.items()}
    last = owners.get(me)
    mine = typed_walk.fields_of(schema, config)
    if reset:
        mine = fieldset.recursive_difference(mine, reset)
    owners = {**owners, me: Owned(mine, version)}
    new = merge(schema, live, config)
    if last is not None and last.fields:
        new = _prune(new, version, owners, last, versions)
    compared = _Compared(live, new, version, _without(typed_walk.compare(schema, live, new), reset), versions, reset)
    if not force:
        conflicts = list(_conflicts(owners, compared, me))
        if conflicts:
            raise Conflicts(conflicts)
    left = {m: o for m, o in _without_taken(owners, compared, me).items() if o.fields}
    return Applied(live if new == live else new, left)


def _settled_owner(owned: Owned, versions: Versions) -> Owned:
    schema = versions.schema(owned.version)
    fields = settled(schema, owned.fields) if schema is not None else owned.fields
    return owned if fields == owned.fields else Owned(fields, owned.version)


def settled(node: Node | None, fields: FieldSet) -> FieldSet:
    """The set as the schema has it now: who owned a part of what has become atomic since, owns the whole."""
    out: FieldSet = {}
    for element, below in fields.items():
        child = _child(node, element)[0] if below and element != fieldset.SELF else None
        if child is None:
            out[element] = below
        elif _is_atomic(child, below):
            out[element] = LEAF
        else:
            out[element] = settled(child, below)
    return out


def _is_atomic(node: Node, below: FieldSet) -> bool:
    """Whether nothing below can be owned; what is below tells whether the value was a map or a list."""
    if any(element[0] == "f" for element in below):
        return node.map is not None and node.map.atomic
    return node.list is not None and node.list.atomic and node.map is None


def _conflicts(owners: Owners, compared: _Compared, me: Manager) -> Iterable[Conflict]:
    for manager in sorted(owners):
        owned = owners[manager]
        found = compared.of(owned.version) if manager != me else None
        if found is not None:
            taken = fieldset.ordered(fieldset.intersection(owned.fields, found.changed))
            for path in fieldset.paths(taken):
                yield Conflict(manager, path)


# Merging


def merge(node: Node, live: Any, config: Any) -> Any:
    """The live value with what the configuration says; nothing is removed. Lists keep the configuration's order where it
    has one."""
    if isinstance(live, dict) and live and (isinstance(config, dict) or config is None):
        return _merge_maps(node.map, live, config)
    if isinstance(live, list) and live and (isinstance(config, list) or config is None):
        return _merge_lists(node.list, live, config)
    return config


def _merge_maps(of: MapType | None, live: dict[str, Any], config: dict[str, Any] | None) -> Any:
    if of is None or of.atomic:
        return config
    if not config:
        return live
    out = dict(live)
    for name, item in config.items():
        below = of.child(name)
        out[name] = merge(below, live[name], item) if below is not None and name in live else item
    return out


def _merge_lists(of: ListType | None, live: list[Any], config: list[Any] | None) -> Any:
    if of is None or of.atomic:
        return config
    if not config:
        return live
    left = [of.element(item) for item in live]
    right = {of.element(item): item for item in config}
    once: dict[str, Any] = {}
    for element, item in zip(left, live, strict=True):
        # What is there more than once has no one item to merge with.
        once[element] = None if element in once else item
    out: list[Any] = []
    for element, position in _merged_order(left, list(right)):
        if element not in right:
            out.append(live[position])
        elif once.get(element) is None:
            out.append(right[element])
        else:
            out.append(merge(of.item, once[element], right[element]))
    return out


def _merged_order(left: list[str], right: list[str]) -> Iterable[tuple[str, int]]:
    """The elements of both, each once, with the position on the left: those of the right in its order, and those that only
    the left has where they stood among the others."""
    wanted, present = set(right), set(left)
    shared = iter([e for e in right if e in present])
    awaited = next(shared, None)
    done: set[str] = set()
    at, then = 0, 0
    while at < len(left) or then < len(right):
        if at < len(left):
            element = left[at]
            if then < len(right) and element == right[then]:
                done.add(element)
                yield element, at
                at, then = at + 1, then + 1
                awaited = next(shared, None)
                continue
            if element not in wanted:
                yield element, at
                at += 1
                continue
            if element in done or (then < len(right) and awaited is not None and awaited != element):
                # It has been, or comes later, where the right wants it.
                at += 1
                continue
        if then < len(right):
            element = right[then]
            done.add(element)
            yield element, -1
            then += 1
            if element == awaited:
                awaited = next(shared, None)


# Removal


def _prune(merged: Document, version: str, owners: Owners, last: Owned, versions: Versions) -> Document:
    """The merged object without what the applier owned by its last apply (`last`) and nobody owns now."""
    schema = versions.schema(last.version)
    if schema is None:
        return merged
    whole = versions.convert(merged, version, last.version) if last.version != version else merged
    before = named(schema, last.fields)
    pruned = remove(schema, whole, before)
    pruned = _with_owned(whole, pruned, last.version, owners, versions)
    # What goes must have been the applier's own: what nobody claims stays, too.
    gone = fieldset.difference(_all_named(schema, whole), _all_named(schema, pruned))
    out = remove(schema, whole, fieldset.intersection(gone, before)) or {}
    return versions.convert(out, last.version, version) if last.version != version else out


def _with_owned(whole: Document, pruned: Any, version: str, owners: Owners, versions: Versions) -> Any:
    """The pruned object with everything that any manager owns put back, version by version (this one first, because the
    others may need what it has to be converted)."""
    claims: dict[str, FieldSet] = {version: LEAF}
    for owned in owners.values():
        claims[owned.version] = fieldset.union(claims.get(owned.version, LEAF), owned.fields)
    at = version
    for target, fields in claims.items():
        schema = versions.schema(target)
        if schema is None:
            continue
        if target != at:
            whole, pruned = (versions.convert(d, at, target) if d else {} for d in (whole, pruned))
            at = target
        kept = fieldset.union(_all_named(schema, pruned), named(schema, fields))
        pruned = remove(schema, whole, fieldset.difference(_all_named(schema, whole), kept))
    return versions.convert(pruned, at, version) if at != version and pruned else pruned


def _all_named(schema: Node, value: Any) -> FieldSet:
    return named(schema, typed_walk.fields_of(schema, value))


def named(node: Node | None, fields: FieldSet) -> FieldSet:
    """The set with every named field of a struct that leads to a member made a member."""
    out: FieldSet = {}
    for element, below in fields.items():
        if element == fieldset.SELF or not below:
            out[element] = below
            continue
        child, is_field = _child(node, element)
        inner = named(child, below)
        out[element] = fieldset.as_member(inner) if is_field else inner
    return out


def _child(node: Node | None, element: str) -> tuple[Node | None, bool]:
    """The schema that an element leads to, and whether the element is a field that the schema names."""
    if node is None:
        return None, False
    if element[0] == "f":
        if node.map is None:
            return None, False
        name = element[2:]
        return node.map.child(name), name in node.map.fields
    return (node.list.item if node.list is not None else None), False


def remove(node: Node, value: Any, fields: FieldSet) -> Any:
    """The value without these fields; None when nothing is left of it."""
    if isinstance(value, dict):
        return _remove_from_map(node.map, value, fields)
    if isinstance(value, list):
        return _remove_from_list(node.list, value, fields)
    return value


def _remove_from_map(of: MapType | None, value: dict[str, Any], fields: FieldSet) -> Any:
    if of is None or of.atomic:
        return None
    out: dict[str, Any] = {}
    for name, item in value.items():
        found = fields.get("f:" + name)
        if found is None:
            out[name] = item
        elif not fieldset.is_member(found):
            below = of.child(name)
            out[name] = remove(below, item, found) if below is not None else item
    return out or None


def _remove_from_list(of: ListType | None, value: list[Any], fields: FieldSet) -> Any:
    if of is None or of.atomic:
        return None
    out: list[Any] = []
    for item in value:
        found = fields.get(of.element(item))
        if found is None:
            out.append(item)
        elif not fieldset.is_member(found):
            out.append(remove(of.item, item, found))
    return out or None


def allowed_by_last_applied(schema: Node, applied: Document, live: Document) -> FieldSet:
    """The fields of a client's last-applied configuration that the live object still has with the same value."""
    compared = typed_walk.compare(schema, applied, live)
    fields = fieldset.difference(typed_walk.fields_of(schema, applied), compared.changed)
    return fieldset.difference(fields, compared.removed)
