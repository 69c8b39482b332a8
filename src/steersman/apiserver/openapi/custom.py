"""Definitions of custom resources, from their schemas: what every object has is added, and version 2 is spared what it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from steersman.api import codec
from steersman.apiserver.openapi import v2
from steersman.apiserver.openapi.descriptions import describe_members
from steersman.apiserver.openapi.model import Model
from steersman.apiserver.openapi.paths import paths_of
from steersman.apiserver.openapi.schemas import Builder, Schema, gvk_extension
from steersman.kinds.kind import Served
from steersman.kinds.types import meta_v1

_TYPE_META: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
_NUMBERS = ("maximum", "minimum", "multipleOf")
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_PRESERVE, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"


def digest(served: Iterable[Served]) -> str:
    """Changes whenever what is said of these resources does."""
    found = hashlib.sha256()
    for one in served:
        kind = one.kind
        found.update(repr((one.resource, kind.list_kind, sorted(kind.subresources), kind.verbs)).encode())
        found.update(codec.encode([kind.schema, sorted(kind.selectable_fields)]))
    return found.hexdigest().upper()


def add(model: Model, served: Iterable[Served], prefix: str) -> None:
    """Describe custom resources in a model, whose references begin with `prefix`."""
    builder = Builder(prefix)
    builder.definitions = model.definitions
    status = prefix + builder.add(meta_v1.Status)
    builder.add(meta_v1.DeleteOptions)
    meta = {"$ref": prefix + builder.add(meta_v1.ObjectMeta)}
    list_meta = {"$ref": prefix + builder.add(meta_v1.ListMeta)}
    for one in served:
        name, list_name = _name(one, one.resource.kind), _name(one, one.kind.list_kind)
        model.definitions[name] = _definition(one, meta, old=prefix == v2.PREFIX)
        model.definitions[list_name] = _list_definition(one, prefix + name, list_meta)
        for path, operations in paths_of(one, prefix + name, prefix + list_name):
            for operation in operations.values():
                if operation["x-kubernetes-action"] in ("delete", "deletecollection"):
                    operation["answer"] = status
            if operations:
                model.paths[path] = operations


def _name(served: Served, kind: str) -> str:
    resource = served.resource
    return ".".join((*reversed(resource.group.split(".")), resource.version, kind))


def _definition(served: Served, meta: Schema, *, old: bool) -> Schema:
    given = served.kind.schema
    schema: Schema | None = None if given is None else _plain(codec.to_builtins(given))
    out: Schema
    if schema is None or (old and schema.get(_PRESERVE)):
        # With any properties clients would take all others for mistakes.
        out = {"type": "object"}
    else:
        out = _reduced(schema) if old else schema
        _add_embedded(out, meta, old)
        properties = {**out.get("properties", {}), **_TYPE_META, "metadata": dict(meta)}
        out["properties"] = describe_members(dict(sorted(properties.items())))
    resource = served.resource
    out["x-kubernetes-group-version-kind"] = [gvk_extension(resource.group, resource.version, resource.kind)]
    selectable = sorted(f for f in served.kind.selectable_fields if not f.startswith("metadata."))
    if selectable:
        out["x-kubernetes-selectable-fields"] = [{"fieldPath": f} for f in selectable]
    return out


def _list_definition(served: Served, reference: str, list_meta: Schema) -> Schema:
    resource, list_kind = served.resource, served.kind.list_kind
    properties = {
        **_TYPE_META,
        "items": {"type": "array", "items": {"$ref": reference}, "description": f"List of {resource.plural}."},
        "metadata": dict(list_meta),
    }
    return {
        "type": "object",
        "description": f"{list_kind} is a list of {resource.kind}",
        "required": ["items"],
        "properties": describe_members(dict(sorted(properties.items()))),
        "x-kubernetes-group-version-kind": [gvk_extension(resource.group, resource.version, list_kind)],
    }


def _below(schema: Schema) -> list[Schema]:
    """The schemas of the structure right below one."""
    found = list(schema.get("properties", {}).values())
    found += [schema[n] for n in ("items", "additionalProperties") if isinstance(schema.get(n), dict)]
    return found


def _plain(schema: Schema) -> Schema:
    """The schema as it was meant: whole numbers without a fraction, alternatives for integers that may be strings."""
    for name in _NUMBERS:
        value = schema.get(name)
        if isinstance(value, float) and value.is_integer():
            schema[name] = int(value)
    if schema.get("x-kubernetes-int-or-string") and not _is_unfolded(schema):
        alternatives = [dict(a) for a in _INT_OR_STRING]
        if "anyOf" in schema:
            schema["allOf"] = [{"anyOf": alternatives}, *schema.get("allOf", ())]
        else:
            schema["anyOf"] = alternatives
    for child in (*_below(schema), *(c for n in ("allOf", "anyOf", "oneOf") for c in schema.get(n, ()))):
        _plain(child)
    if "not" in schema:
        _plain(schema["not"])
    return schema


def _is_unfolded(schema: Schema) -> bool:
    first = (schema.get("allOf") or [{}])[0]
    return _INT_OR_STRING in (schema.get("anyOf"), first.get("anyOf"))


def _reduced(schema: Schema) -> Schema:
    """Without what version 2 cannot say, or its clients do not understand."""
    for name in ("allOf", "anyOf", "oneOf", "not"):
        schema.pop(name, None)
    preserve = schema.get(_PRESERVE)
    _relax(schema)
    nullable = schema.pop("nullable", False)
    if nullable:
        schema.pop("type", None)
    if nullable or preserve:
        schema.pop("items", None)
        schema.pop("properties", None)
    if schema.get("type") == "array" and "items" not in schema:
        del schema["type"]
    if preserve and schema.get("type") == "object":
        del schema["type"]
    for child in _below(schema):
        _reduced(child)
    return schema


def _relax(schema: Schema) -> None:
    """What may be null is not required, where null cannot be said."""
    required = schema.get("required")
    if not required:
        return
    properties, more = schema.get("properties", {}), schema.get("additionalProperties")
    left = [name for name in required if not properties.get(name, {}).get("nullable")]
    if isinstance(more, dict) and more.get("nullable"):
        left = []
    if left:
        schema["required"] = left
    else:
        del schema["required"]


def _add_embedded(schema: Schema, meta: Schema, old: bool) -> None:
    """Objects inside objects have what every object has."""
    for child in _below(schema):
        _add_embedded(child, meta, old)
    if not schema.get(_EMBEDDED) or (old and schema.get(_PRESERVE)):
        return
    schema["properties"] = describe_members({**schema.get("properties", {}), **_TYPE_META, "metadata": dict(meta)})
    schema["required"] = [
        *schema.get("required", ()),
        *(n for n in ("kind", "apiVersion") if n not in schema.get("required", ())),
    ]
