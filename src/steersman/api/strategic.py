"""Strategic merge patch on plain dicts: lists merge by the keys that the object's Struct type declares.

`apply(document, patch, type)` returns the merged document and never changes its inputs, with which the result may share
parts. A patch with bad directives raises BadRequest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec

from steersman.api.errors import BadRequest
from steersman.api.schema import ListInfo

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM_LIST = "$deleteFromPrimitiveList"
SET_ORDER = "$setElementOrder"

_BAD_RETAIN = "invalid patch format of retainKeys"
_BAD_ORDER = "invalid patch format of setElementOrder list"
_BAD_DELETE = "invalid patch format of primitive list"

Document = dict[str, Any]
Schema = type[msgspec.Struct] | None


class _Field(NamedTuple):
    """What a wire field holds: the Struct inside it (if any) and how its list merges."""

    struct: Schema
    info: ListInfo


_UNKNOWN = _Field(None, ListInfo())


def apply(document: Mapping[str, Any], patch: Any, schema: Schema) -> Document:
    """The document after the patch. `schema` is the object's Struct type; None merges objects and replaces lists."""
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a strategic merge patch must be an object")
    return _merge_map(document, patch, schema)


def _merge_map(original: Mapping[str, Any], patch: Document, schema: Schema) -> Document:
    if DIRECTIVE in patch:
        return _directed(patch)
    out = _retain(original, patch)
    for key, value in patch.items():
        if key == RETAIN_KEYS or key.startswith(SET_ORDER + "/"):
            continue
        if key.startswith(DELETE_FROM_LIST):
            _delete_from_list(out, key, value)
        elif value is None:
            out.pop(key, None)
        else:
            _merge_member(out, key, value, _field(schema, key), patch.get(f"{SET_ORDER}/{key}"))
    for key, order in patch.items():
        if key.startswith(SET_ORDER):
            _reorder(original, patch, out, schema, key, order)
    return out


def _directed(patch: Document) -> Document:
    """The result of a map with a `$patch` directive of its own."""
    directive = patch[DIRECTIVE]
    if directive == "replace":
        replaced: Document = _plain({k: v for k, v in patch.items() if k != DIRECTIVE})
        return replaced
    if directive == "delete":
        return {}
    raise BadRequest(f"unknown patch type: {directive} in map: {patch}")


def _retain(original: Mapping[str, Any], patch: Document) -> Document:
    """The original, without the members that a `$retainKeys` list leaves out."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    keep = patch[RETAIN_KEYS]
    if not isinstance(keep, list):
        raise BadRequest(_BAD_RETAIN)
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in keep:
            raise BadRequest(_BAD_RETAIN)
    return {k: v for k, v in original.items() if k in keep}


def _delete_from_list(out: Document, key: str, value: Any) -> None:
    name = _target(key, DELETE_FROM_LIST, _BAD_DELETE)
    if not isinstance(value, list):
        raise BadRequest(_BAD_DELETE)
    if isinstance(out.get(name), list):
        gone = {_hashable(v) for v in value}
        out[name] = [v for v in out[name] if _hashable(v) not in gone]


def _merge_member(out: Document, key: str, value: Any, known: _Field, order: Any) -> None:
    old = out.get(key)
    if isinstance(value, dict) and isinstance(old, dict):
        if known.info.patch_strategy == "replace":
            out[key] = _plain(value)
        else:
            out[key] = _merge_map(old, value, known.struct)
    elif isinstance(value, list) and isinstance(old, list) and _merges(known.info):
        merged, patched = _merge_list(old, value, known)
        if order is None:  # with an order list, `_reorder` decides
            merged = _interleave(merged, patched, old, known.info.merge_key)
        out[key] = merged
    elif isinstance(value, dict) and DIRECTIVE in value:
        out.pop(key, None)
    else:
        out[key] = _plain(value)


def _merges(info: ListInfo) -> bool:
    return "merge" in info.patch_strategy.split(",")


def _merge_list(original: list[Any], patch: list[Any], known: _Field) -> tuple[list[Any], list[Any]]:
    """The merged elements in the original's order with new ones behind, and the patch's elements without directives."""
    if any(isinstance(v, list) for v in (*original, *patch)):
        raise BadRequest("lists of lists are not supported")
    if not any(isinstance(v, dict) for v in (*original, *patch)):
        return list({_hashable(v): v for v in (*original, *patch)}.values()), patch
    merge_key = known.info.merge_key
    if not merge_key:
        raise BadRequest("cannot merge lists without merge key")
    kept, patched = _apply_list_directives(original, patch, merge_key)
    positions = {_key_of(v, merge_key): i for i, v in reversed(list(enumerate(kept)))}
    for item in patched:
        key = _key_of(item, merge_key)
        if key in positions:
            kept[positions[key]] = _merge_map(kept[positions[key]], item, known.struct)
        else:
            positions[key] = len(kept)
            kept.append(_plain(item))
    return kept, patched


def _apply_list_directives(original: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """The original's elements that stay, and the patch's that are no directives themselves."""
    patched: list[Any] = []
    deleted: set[Any] = set()
    replace = False
    for item in patch:
        if not isinstance(item, dict):
            raise BadRequest(f"expected an object in the list, but received {item!r}")
        directive = item.get(DIRECTIVE)
        if DIRECTIVE not in item:
            patched.append(item)
        elif directive == "delete":
            deleted.add(_key_of(item, merge_key))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise BadRequest("merging lists cannot yet be specified in the patch")
        else:
            raise BadRequest(f"unknown patch type: {directive} in map: {item}")
    if replace:
        return [], patched
    return [v for v in original if _key_of(v, merge_key) not in deleted], patched


def _reorder(original: Mapping[str, Any], patch: Document, out: Document, schema: Schema, key: str, order: Any) -> None:
    """Puts a list into the order of its `$setElementOrder`; elements only the server has keep their places between."""
    name = _target(key, SET_ORDER, _BAD_ORDER)
    if not isinstance(order, list):
        raise BadRequest(_BAD_ORDER)
    merged = out.get(name)
    if not isinstance(merged, list):
        return
    merge_key = _field(schema, name).info.merge_key
    items = patch.get(name)
    _check_order(items if isinstance(items, list) else [], order, merge_key)
    old = original.get(name)
    out[name] = _interleave(merged, order, old if isinstance(old, list) else [], merge_key)


def _check_order(items: list[Any], order: list[Any], merge_key: str) -> None:
    """The patch's elements must be a subsequence of the order list."""
    remaining = iter([_key_of(v, merge_key) for v in order])
    for item in items:
        if isinstance(item, dict) and DIRECTIVE in item:
            continue
        key = _key_of(item, merge_key)
        if not any(key == candidate for candidate in remaining):
            raise BadRequest(f"The order in patch list:\n{items}\n doesn't match {SET_ORDER} list:\n{order}\n")


def _interleave(merged: list[Any], order: Sequence[Any], server: Sequence[Any], merge_key: str) -> list[Any]:
    """The elements named by `order` in that order, the others between them as near to the server's order as that allows."""
    place = _positions(order, merge_key)
    live = _positions(server, merge_key)
    keyed = [(_key_of(v, merge_key), v) for v in merged]
    named = sorted((kv for kv in keyed if kv[0] in place), key=lambda kv: place[kv[0]])
    others = sorted((kv for kv in keyed if kv[0] not in place), key=lambda kv: live.get(kv[0], len(live)))
    out: list[Any] = []
    i = j = 0
    while i < len(others) and j < len(named):
        left, right = live.get(others[i][0]), live.get(named[j][0])
        if left is not None and right is not None and left < right:
            out.append(others[i][1])
            i += 1
        else:
            out.append(named[j][1])
            j += 1
    return out + [v for _, v in others[i:]] + [v for _, v in named[j:]]


def _positions(items: Iterable[Any], merge_key: str) -> dict[Any, int]:
    out: dict[Any, int] = {}
    for i, item in enumerate(items):
        out.setdefault(_key_of(item, merge_key), i)
    return out


def _key_of(item: Any, merge_key: str) -> Any:
    """What identifies an element: its merge key's value, or itself when it is a scalar."""
    if not isinstance(item, dict):
        return _hashable(item)
    if not merge_key or merge_key not in item:
        raise BadRequest(f"map: {item} does not contain declared merge key: {merge_key}")
    return _hashable(item[merge_key])


def _hashable(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise BadRequest(f"expected a scalar, but received {value!r}")
    return (type(value) is bool, value)


def _plain(value: Any) -> Any:
    """A patch's value as it is stored when there is nothing to merge it with: no nulls, no directives."""
    if isinstance(value, dict):
        members = ((k, v) for k, v in value.items() if v is not None and not _is_directive(k))
        return {k: _plain(v) for k, v in members if not _has_directive(v)}
    if isinstance(value, list):
        return [_plain(v) for v in value if not _has_directive(v)]
    return value


def _is_directive(key: str) -> bool:
    return key == RETAIN_KEYS or key.startswith((f"{SET_ORDER}/", f"{DELETE_FROM_LIST}/"))


def _has_directive(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value


def _target(key: str, prefix: str, message: str) -> str:
    head, slash, name = key.partition("/")
    if head != prefix or not slash:
        raise BadRequest(message)
    return name


def _field(schema: Schema, name: str) -> _Field:
    return _UNKNOWN if schema is None else _fields(schema).get(name, _UNKNOWN)


@cache
def _fields(schema: type[msgspec.Struct]) -> Mapping[str, _Field]:
    merge: Mapping[str, ListInfo] = getattr(schema, "__merge__", {})
    return {
        f.encode_name: _Field(_struct_in(f.type), merge.get(f.encode_name, ListInfo()))
        for f in msgspec.structs.fields(schema)
    }


def _struct_in(hint: Any) -> Schema:
    """The Struct that a hint holds, directly, in a list, or optionally. Maps of Structs merge as plain objects."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return next((s for s in map(_struct_in, get_args(hint)) if s is not None), None)
    if origin is Annotated or origin is list:
        return _struct_in(get_args(hint)[0])
    return hint if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else None
