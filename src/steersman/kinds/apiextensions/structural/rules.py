"""What makes a schema structural: every field has a type of its own, and value validation adds nothing to the structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apiextensions.structural import patterns

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"


def validate(schema: JSONSchemaProps, path: Path) -> Errors:
    """What is not structural, sorted by its text. The schema must have passed `nodes.check_supported`."""
    errors = [*_invariants(schema, _ROOT, path), *_completeness(schema, schema, path, path)]
    return sorted(errors, key=str)


def _invariants(schema: JSONSchemaProps, level: str, path: Path) -> Errors:
    errors: Errors = []
    items, more = schema.items, schema.additionalProperties
    if schema.type == "array" and items is None:
        errors.append(field.required(path.child("items"), "must be specified"))
    if items is not None and not isinstance(items, list):
        errors += _invariants(items, _ITEM, path.child("items"))
    for name, child in (schema.properties or {}).items():
        errors += _invariants(child, _FIELD, path.child("properties").key(name))
    if more is not None:
        below = path.child("additionalProperties")
        if level == _ROOT:
            errors.append(field.forbidden(below, "must not be used at the root"))
        if not isinstance(more, bool):
            errors += _invariants(more, _FIELD, below)
    errors += _extensions(schema, path)
    errors += _values(
        schema, path, skip_any=_is_int_or_string(schema.anyOf), skip_first=_first_is_int_or_string(schema)
    )
    errors += _types(schema, level, path)
    return errors + _metadata(schema, level, path)


def _extensions(schema: JSONSchemaProps, path: Path) -> Errors:
    errors: Errors = []
    if schema.x_kubernetes_int_or_string:
        for name, value in (
            ("preserve-unknown-fields", schema.x_kubernetes_preserve_unknown_fields),
            ("embedded-resource", schema.x_kubernetes_embedded_resource),
        ):
            if value:
                detail = "must be false if x-kubernetes-int-or-string is true"
                errors.append(field.invalid(path.child(f"x-kubernetes-{name}"), value, detail))
    return errors


def _types(schema: JSONSchemaProps, level: str, path: Path) -> Errors:
    errors: Errors = []
    where, embedded = path.child("type"), schema.x_kubernetes_embedded_resource
    preserve = schema.x_kubernetes_preserve_unknown_fields
    if embedded and schema.type != "object":
        detail = "must be object if x-kubernetes-embedded-resource is true"
        errors.append(field.invalid(where, schema.type, detail) if schema.type else field.required(where, detail))
    elif not (schema.type or schema.x_kubernetes_int_or_string or preserve):
        errors.append(field.required(where, f"must not be empty {level}"))
    if embedded and schema.additionalProperties is not None:
        detail = "must not be used if x-kubernetes-embedded-resource is set"
        errors.append(field.forbidden(path.child("additionalProperties"), detail))
    if level == _ROOT and schema.type and schema.type != "object":
        errors.append(field.invalid(where, schema.type, "must be object at the root"))
    if embedded and not preserve and not schema.properties:
        detail = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        errors.append(field.required(path.child("properties"), detail))
    return errors


def _metadata(schema: JSONSchemaProps, level: str, path: Path) -> Errors:
    """The fields that every object has are not described anew, but for their names."""
    errors: Errors = []
    properties = schema.properties or {}
    checked = level == _ROOT or bool(schema.x_kubernetes_embedded_resource)
    where = path.child("properties")
    for name in ("kind", "apiVersion"):
        if checked and name in properties and properties[name].type != "string":
            errors.append(field.invalid(where.key(name).child("type"), properties[name].type, "must be string"))
    meta = properties.get("metadata")
    if meta is None:
        return errors
    if checked and meta.type != "object":
        errors.append(field.invalid(where.key("metadata").child("type"), meta.type, "must be object"))
    if level == _ROOT and not _only_names(meta):
        detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        errors.append(field.forbidden(where.key("metadata"), detail))
    return errors


def _only_names(meta: JSONSchemaProps) -> bool:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

    names = set(meta.properties or ())
    bare = JSONSchemaProps(type=meta.type, default=meta.default)
    if names <= {"name", "generateName"}:
        bare.properties = meta.properties
    return bare == meta


def _values(schema: JSONSchemaProps, path: Path, *, skip_any: bool = False, skip_first: bool = False) -> Errors:
    """The value validation of one schema: its alternatives, and its pattern."""
    errors: Errors = []
    if not skip_any:
        for index, child in enumerate(schema.anyOf or ()):
            errors += _nested(child, path.child("anyOf").index(index))
    for index, child in enumerate(schema.allOf or ()):
        errors += _nested(child, path.child("allOf").index(index), skip_any=skip_first and index == 0)
    for index, child in enumerate(schema.oneOf or ()):
        errors += _nested(child, path.child("oneOf").index(index))
    if schema.not_ is not None:
        errors += _nested(schema.not_, path.child("not"))
    if schema.pattern:
        try:
            patterns.compiled(schema.pattern)
        except patterns.PatternError as error:
            detail = f"must be a valid regular expression, but isn't: {error}"
            errors.append(field.invalid(path.child("pattern"), schema.pattern, detail))
    return errors


def _nested(schema: JSONSchemaProps, path: Path, *, skip_any: bool = False) -> Errors:
    """A schema in a logical junctor, which may only validate."""
    errors = _values(schema, path, skip_any=skip_any)
    items = schema.items
    if items is not None and not isinstance(items, list):
        errors += _nested(items, path.child("items"))
    properties = schema.properties or {}
    for name, child in properties.items():
        errors += _nested(child, path.child("properties").key(name))
    errors += [field.forbidden(path.child(n), f"must be {what} to be structural") for n, what in _structure(schema)]
    if "metadata" in properties:
        where = path.child("properties").key("metadata")
        errors.append(field.forbidden(where, "must not be specified in a nested context"))
    return errors


def _structure(schema: JSONSchemaProps) -> list[tuple[str, str]]:
    """The fields of a nested schema that belong to the structure, and what each of them must be."""
    given = (
        (schema.type, "type", "empty"),
        (schema.additionalProperties not in (None, False), "additionalProperties", "undefined"),
        (schema.default is not None, "default", "undefined"),
        (schema.title, "title", "empty"),
        (schema.description, "description", "empty"),
        (schema.nullable, "nullable", "false"),
        (schema.x_kubernetes_preserve_unknown_fields, "x-kubernetes-preserve-unknown-fields", "false"),
        (schema.x_kubernetes_embedded_resource, "x-kubernetes-embedded-resource", "false"),
        (schema.x_kubernetes_int_or_string, "x-kubernetes-int-or-string", "false"),
        (schema.x_kubernetes_list_map_keys, "x-kubernetes-list-map-keys", "empty"),
        (schema.x_kubernetes_list_type, "x-kubernetes-list-type", "undefined"),
        (schema.x_kubernetes_map_type, "x-kubernetes-map-type", "undefined"),
        (schema.x_kubernetes_validations, "x-kubernetes-validations", "empty"),
    )
    return [(name, what) for value, name, what in given if value]


def _is_int_or_string(alternatives: list[JSONSchemaProps] | None) -> bool:
    """The one form in which a nested schema may have types."""
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

    return alternatives == [JSONSchemaProps(type="integer"), JSONSchemaProps(type="string")]


def _first_is_int_or_string(schema: JSONSchemaProps) -> bool:
    return bool(schema.allOf) and _is_int_or_string(schema.allOf[0].anyOf) if schema.allOf else False


def _completeness(nested: JSONSchemaProps, schema: JSONSchemaProps | None, path: Path, where: Path) -> Errors:
    """Every field that is validated somewhere must be part of the structure."""
    if schema is None:
        return [field.required(path, f"because it is defined in {where}")]
    errors: Errors = []
    junctors = [("allOf", nested.allOf), ("anyOf", nested.anyOf), ("oneOf", nested.oneOf)]
    if nested.not_ is not None:
        errors += _complete(nested.not_, schema, path, where.child("not"))
    for name, children in junctors:
        for index, child in enumerate(children or ()):
            errors += _complete(child, schema, path, where.child(name).index(index))
    return errors


def _complete(nested: JSONSchemaProps, schema: JSONSchemaProps, path: Path, where: Path) -> Errors:
    errors = _completeness(nested, schema, path, where)
    items, own = nested.items, schema.items
    if items is not None and not isinstance(items, list):
        below = path.child("items")
        if own is None or isinstance(own, list):
            errors.append(field.required(below, f"because it is defined in {where.child('items')}"))
        else:
            errors += _complete(items, own, below, where.child("items"))
    for name, child in (nested.properties or {}).items():
        below, there = path.child("properties").key(name), where.child("properties").key(name)
        found = (schema.properties or {}).get(name)
        if found is None:
            errors.append(field.required(below, f"because it is defined in {there}"))
        else:
            errors += _complete(child, found, below, there)
    return errors
