"""Objects inside objects (`x-kubernetes-embedded-resource`): their metadata is brought into its form, and checked."""

from __future__ import annotations

from typing import Any

from steersman.api import codec, field, names
from steersman.api.codec import DecodeError
from steersman.api.field import Errors, FieldError, Path
from steersman.kinds import metadata
from steersman.kinds.apiextensions.structural.nodes import Node

PLACEHOLDER = "fakename"


class CoerceError(Exception):
    """Something that cannot be the metadata of an object."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(str(error))
        self.error = error


def coerce(value: Any, node: Node | None, *, lenient: bool = False, path: str = "") -> list[str]:
    """Bring the metadata of embedded resources into the form that typed objects have; paths of what it does not know.

    `lenient` drops what is malformed, which stored objects may be; otherwise that raises CoerceError.
    """
    if node is None or not node.embeds:
        return []
    found: list[str] = []
    if type(value) is list:
        for index, item in enumerate(value):
            found += coerce(item, node.items, lenient=lenient, path=f"{path}[{index}]")
    elif type(value) is dict:
        if node.embedded:
            found += _resource(value, lenient, path)
        for name, item in value.items():
            found += coerce(item, node.child(name), lenient=lenient, path=f"{path}.{name}" if path else name)
    return found


def _resource(value: dict[str, Any], lenient: bool, path: str) -> list[str]:
    for name in ("apiVersion", "kind"):
        if name in value and not isinstance(value[name], str):
            if not lenient:
                raise CoerceError(field.invalid(Path(path).child(name), value[name], "must be a string"))
            del value[name]
    if "metadata" not in value:
        return []
    meta, problems = decode_metadata(value["metadata"], lenient=lenient, path=f"{path}.metadata")
    value["metadata"] = codec.to_builtins(meta)
    return problems


def decode_metadata(value: Any, *, lenient: bool, path: str) -> tuple[Any, list[str]]:
    """The metadata, typed, and the paths of what is unknown in it. Raises CoerceError."""
    from steersman.kinds.types.meta_v1 import ObjectMeta

    try:
        meta, problems = codec.from_builtins(ObjectMeta, {} if value is None else value)
    except DecodeError as error:
        if lenient and isinstance(value, dict):
            return _salvaged(value), []
        raise CoerceError(field.invalid(Path(path), value, str(error))) from error
    unknown = [p.removeprefix('unknown field "').removesuffix('"') for p in problems if p.startswith("unknown")]
    return meta, [f"{path}.{name}" for name in unknown]


def _salvaged(value: dict[str, Any]) -> Any:
    """The fields that are well-formed, each on its own."""
    from steersman.kinds.types.meta_v1 import ObjectMeta

    good: dict[str, Any] = {}
    for name, item in value.items():
        try:
            codec.from_builtins(ObjectMeta, {name: item})
        except DecodeError:
            continue
        good[name] = item
    return codec.from_builtins(ObjectMeta, good)[0]


def validate(value: Any, node: Node | None, path: Path | None = None) -> Errors:
    """What is wrong with the embedded resources of a value."""
    if node is None or not node.embeds:
        return []
    errors: Errors = []
    here = path or Path()
    if type(value) is list:
        for index, item in enumerate(value):
            errors += validate(item, node.items, here.index(index))
    elif type(value) is dict:
        if node.embedded:
            errors += validate_resource(value, here)
        for name, item in value.items():
            if name in node.properties:
                errors += validate(item, node.properties[name], Path(name) if path is None else path.child(name))
            elif node.additional is not None:
                errors += validate(item, node.additional, here.key(name))
    return errors


def validate_resource(value: dict[str, Any], path: Path) -> Errors:
    """What is wrong with the fields that every object has."""
    errors = [field.required(path.child(name)) for name in ("apiVersion", "kind") if name not in value]
    if "apiVersion" in value:
        errors += _api_version(value["apiVersion"], path.child("apiVersion"))
    if "kind" in value:
        errors += _kind(value["kind"], path.child("kind"))
    if "metadata" in value:
        errors += _metadata(value["metadata"], path.child("metadata"))
    return errors


def _api_version(value: Any, path: Path) -> Errors:
    if not isinstance(value, str):
        return [field.invalid(path, value, "must be a string")]
    if not value:
        return [field.invalid(path, value, "must not be empty")]
    if value.count("/") > 1:
        return [field.invalid(path, value, f"unexpected GroupVersion string: {value}")]
    return []


def _kind(value: Any, path: Path) -> Errors:
    if not isinstance(value, str):
        return [field.invalid(path, value, "must be a string")]
    if not value:
        return [field.invalid(path, value, "must not be empty")]
    messages = names.dns1035_label(value.lower())
    if messages:
        detail = "may have mixed case, but should otherwise match: " + ",".join(messages)
        return [field.invalid(path, value, detail)]
    return []


def _metadata(value: Any, path: Path) -> Errors:
    try:
        meta, _ = decode_metadata(value, lenient=False, path=str(path))
    except CoerceError as error:
        return [error.error]
    meta.name = meta.name or PLACEHOLDER
    return metadata.validate(meta, namespaced=bool(meta.namespace), name=names.path_segment, path=path)
