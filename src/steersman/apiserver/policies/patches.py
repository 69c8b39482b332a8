"""The changes that a mutation's expression describes, made to the plain values of an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steersman.api import apply, patch, typed_walk
from steersman.api.field import quote
from steersman.api.typed import Node, TypedError
from steersman.cel import Type, plain
from steersman.cel.values import LIST_TYPES, ObjectValue, Opaque, type_of


class Unpatchable(Exception):
    """A change that cannot be made; the text says why."""


def apply_configuration(node: Node, before: dict[str, Any], value: Any) -> Any:
    """The object with what `Object{…}` says of it, merged as an applied configuration is. Raises Unpatchable."""
    _check_names(value)
    config = {**_json(value, "invalid return type"), "apiVersion": before.get("apiVersion"), "kind": before.get("kind")}
    start = "error applying patch: "
    try:
        typed_walk.validate(node, config)
    except TypedError as error:
        raise Unpatchable(f"{start}failed to convert patch object to typed object: {error}") from error
    if whole := list(_atomics(node, config, "")):
        text = f"may not mutate atomic arrays, maps or structs: {', '.join(whole)}"
        raise Unpatchable(f"{start}invalid ApplyConfiguration: {text}")
    try:
        return apply.merge(node, before, config)
    except TypedError as error:
        raise Unpatchable(f"{start}failed to merge patch: {error}") from error


def json_patch(before: dict[str, Any], operations: list[Any]) -> Any:
    """The object after `[JSONPatch{…}]`; as it was if it does not pass a test. Raises Unpatchable."""
    made = [_operation(operation) for operation in operations]
    try:
        return patch.patched(before, made)
    except patch.ValueDiffers:
        return before
    except patch.PatchFailed as error:
        raise Unpatchable(f"JSON Patch: {error}") from error


def _operation(given: Any) -> dict[str, Any]:
    made = {"op": given.get("op", ""), "path": given.get("path", "")}
    if given.get("from"):
        made["from"] = given["from"]
    if "value" in given:
        if isinstance(given["value"], ObjectValue):
            _check_names(given["value"])
        made["value"] = _json(
            given["value"], "JSONPath valueExpression evaluated to a type that could not marshal to JSON"
        )
    return made


def _json(value: Any, why: str) -> Any:
    """A value as JSON. Raises Unpatchable for what only functions can look into."""
    found = plain(value)
    if kind := next(_strange(found), ""):
        raise Unpatchable(f"{why}: unsupported conversion of {kind}")
    return found


def _strange(value: Any) -> Iterator[str]:
    if isinstance(value, Opaque | Type):
        yield str(type_of(value))
    elif isinstance(value, dict):
        for held in value.values():
            yield from _strange(held)
    elif isinstance(value, list):
        for held in value:
            yield from _strange(held)


def _check_names(value: ObjectValue) -> None:
    """Objects must be named as the fields that they are in: `Object.spec{…}` in `spec`."""
    if found := list(_misnamed(value, value.name)):
        raise Unpatchable("type mismatch: " + "\n".join(found))


def _misnamed(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, ObjectValue):
        if value.name != path:
            what = f"expected {quote(path)}, which matches field name path from root Object type"
            yield f"unexpected type name {quote(value.name)}, {what}"
        for name, held in value.items():
            yield from _misnamed(held, f"{path}.{name}")
    elif type(value) is dict:
        for held in value.values():
            yield from _misnamed(held, path)
    elif type(value) in LIST_TYPES:
        for held in value:
            yield from _misnamed(held, path)


def _atomics(node: Node | None, value: Any, path: str) -> Iterator[str]:
    """The places where a configuration would replace what it does not name."""
    if node is None:
        return
    if isinstance(value, dict) and node.map is not None:
        if node.map.atomic:
            yield path
        for name, held in value.items():
            found = node.map.fields.get(name)
            yield from _atomics(found.node if found is not None else None, held, f"{path}.{name}")
    elif isinstance(value, list) and node.list is not None:
        if node.list.atomic:
            yield path
        for index, held in enumerate(value):
            yield from _atomics(node.list.item, held, f"{path}[{index}]")
