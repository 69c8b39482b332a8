"""Validation of the schemas of a definition: OpenAPI v3 as far as it is allowed, and Kubernetes' extensions of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from steersman.api import codec, field
from steersman.api.field import Errors, Path, same
from steersman.kinds.apiextensions.structural import defaulting, defaults_rules, rules
from steersman.kinds.apiextensions.structural.fieldpaths import FieldPathError, find
from steersman.kinds.apiextensions.structural.nodes import Node, Unsupported, check_supported, has_rules, subschemas
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import (
        CustomResourceDefinition,
        CustomResourceValidation,
        ValidationRule,
    )

TYPES = ("array", "boolean", "integer", "number", "object", "string")
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_META = frozenset({"metadata", "kind", "apiVersion"})
# What a schema's root may have beside a status, which is validated on its own.
_ROOT_FIELDS = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum", "MaxLength",
    "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items", "Properties",
    "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
)  # fmt: skip
_ALLOWED_AT_ROOT = frozenset(
    {f[0].lower() + f[1:] for f in _ROOT_FIELDS} | {"x_kubernetes_preserve_unknown_fields", "x_kubernetes_validations"}
)


@dataclass(frozen=True, slots=True)
class Options:
    """How strict to be: what an older definition has got away with stays allowed in it."""

    require_schema: bool = True
    require_types: bool = True
    require_structural: bool = True
    require_pruned: bool = True
    require_atomic_sets: bool = True
    require_list_keys: bool = True
    unchanged: frozenset[str] = frozenset()
    """Versions whose schema is as it was."""
    many_selectable: frozenset[str] = frozenset()
    suppress_cost: bool = False

    def for_version(self, name: str) -> Options:
        return replace(self, suppress_cost=True) if name in self.unchanged else self


def options_of(old: CustomResourceDefinition, crd: CustomResourceDefinition) -> Options:
    """The options for a change of a definition."""
    versions = {v.name: v for v in old.spec.versions}
    schemas = [s for v in versions.values() if v.schema is not None and (s := v.schema.openAPIV3Schema) is not None]

    def everywhere(wrong: Callable[[JSONSchemaProps], bool]) -> bool:
        return not any(wrong(s) for schema in schemas for s in walk(schema))

    return Options(
        require_schema=len(schemas) == len(versions),
        require_types=everywhere(lambda s: bool(s.type) and s.type not in TYPES),
        require_structural=all(_is_structural(s) for s in schemas),
        require_pruned=all(map(_defaults_pruned, schemas)),
        require_atomic_sets=everywhere(lambda s: bool(_set_items(s, Path()))),
        require_list_keys=everywhere(lambda s: bool(_list_keys(s, Path()))),
        unchanged=_alike(crd, old, "schema"),
        many_selectable=_alike(crd, old, "selectableFields"),
    )


def _alike(crd: CustomResourceDefinition, old: CustomResourceDefinition, attribute: str) -> frozenset[str]:
    """The versions that have the same in both."""
    before = {v.name: getattr(v, attribute) for v in old.spec.versions}
    found = (v for v in crd.spec.versions if v.name in before)
    return frozenset(v.name for v in found if same(getattr(v, attribute), before[v.name]))


def walk(schema: JSONSchemaProps) -> Iterator[JSONSchemaProps]:
    """A schema and everything below it."""
    yield schema
    for child in subschemas(schema):
        yield from walk(child)


def _is_structural(schema: JSONSchemaProps) -> bool:
    try:
        check_supported(schema)
    except Unsupported:
        return False
    return not rules.validate(schema, Path())


def _defaults_pruned(schema: JSONSchemaProps) -> bool:
    def look(node: Node) -> bool:
        here = node.default is None or defaulting.is_pruned(node)
        return here and all(map(look, node.children()))

    return not _is_structural(schema) or look(Node(schema))


def validate(found: CustomResourceValidation | None, path: Path, options: Options, *, status: bool) -> Errors:
    """What is wrong with a version's schema; `status` tells whether it has a status of its own."""
    schema = None if found is None else found.openAPIV3Schema
    if schema is None:
        return []
    where = path.child("openAPIV3Schema")
    errors = _root(schema, path) if status else []
    if schema.nullable:
        errors.append(field.forbidden(path.child("openAPIV3Schema.nullable"), "nullable cannot be true at the root"))
    structure: Errors = []
    unsupported: Errors = []
    if options.require_structural:
        try:
            check_supported(schema)
            structure = rules.validate(schema, where)
            if not structure:
                rules_of = _evaluator(schema)
                structure = defaults_rules.validate(Node(schema), where, pruned=options.require_pruned, rules=rules_of)
        except Unsupported as error:
            unsupported = [field.invalid(where, "", str(error))]
    errors += structure
    openapi = _Walk(options).visit(schema, where, _Place(root=True))
    errors += openapi
    sound = options.require_structural and not (structure or unsupported or openapi)
    if sound and has_rules(schema):
        from steersman.kinds.apiextensions import crd_rules

        errors += crd_rules.validate(schema, where, suppress_cost=options.suppress_cost)
    return errors or unsupported


def _evaluator(schema: JSONSchemaProps) -> defaults_rules.Evaluate | None:
    """What judges defaults by rules. The language is loaded with the first rule."""
    if not has_rules(schema):
        return None
    from steersman.kinds.apiextensions import crd_rules

    return crd_rules.evaluate


def _root(schema: JSONSchemaProps, path: Path) -> Errors:
    """The root's schema must not say more than that of its members when the status is validated alone."""
    if schema.type and schema.type != "object":
        detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        return [field.invalid(path.child("openAPIV3Schema.type"), schema.type, detail)]
    bare = JSONSchemaProps()
    for name in schema.__struct_fields__:
        if name not in _ALLOWED_AT_ROOT and not same(getattr(schema, name), getattr(bare, name)):
            allowed = " ".join(_ROOT_FIELDS)
            detail = (
                f"only [{allowed}] fields are allowed at the root of the schema if the status subresource is enabled"
            )
            return [field.invalid(path.child("openAPIV3Schema"), codec.to_builtins(schema), detail)]
    return []


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: at the root, in an object's metadata, where defaults are forbidden (and why)."""

    root: bool = False
    meta: bool = False
    no_defaults: str = ""


class _Walk:
    def __init__(self, options: Options) -> None:
        self.options = options

    def visit(self, schema: JSONSchemaProps, path: Path, place: _Place) -> Errors:
        errors = self._allowed(schema, path, place)
        errors += self._members(schema, path, place)
        inner = replace(place, root=False)
        if schema.not_ is not None:
            errors += self.visit(schema.not_, path.child("not"), inner)
        for name, children in (("allOf", schema.allOf), ("oneOf", schema.oneOf), ("anyOf", schema.anyOf)):
            for index, child in enumerate(children or ()):
                errors += self.visit(child, path.child(name).index(index), inner)
        for name, child in (schema.definitions or {}).items():
            errors += self.visit(child, path.child("definitions").key(name), inner)
        items = schema.items
        if isinstance(items, list):
            for index, child in enumerate(items):
                errors += self.visit(child, path.child("items").index(index), inner)
        elif items is not None:
            errors += self.visit(items, path.child("items"), inner)
        errors += _extensions(schema, path, self.options)
        for index, rule in enumerate(schema.x_kubernetes_validations or ()):
            errors += _rule(rule, schema, path.child("x-kubernetes-validations").index(index))
        return errors

    def _members(self, schema: JSONSchemaProps, path: Path, place: _Place) -> Errors:
        errors: Errors = []
        more = schema.additionalProperties
        if more is not None:
            where = path.child("additionalProperties")
            if schema.properties and more is not True:
                errors.append(field.forbidden(where, "additionalProperties and properties are mutual exclusive"))
            if not isinstance(more, bool):
                inner = replace(place, root=False)
                if place.meta:
                    inner = replace(inner, no_defaults="inside additionalProperties applying to object metadata")
                errors += self.visit(more, where, inner)
        resource = place.root or schema.x_kubernetes_embedded_resource
        for name, child in (schema.properties or {}).items():
            inner = replace(place, root=False)
            if resource and name in _META:
                inner = replace(inner, meta=True)
                if place.root:
                    inner = replace(inner, no_defaults=f"in top-level {name}")
            errors += self.visit(child, path.child("properties").key(name), inner)
        return errors

    def _allowed(self, schema: JSONSchemaProps, path: Path, place: _Place) -> Errors:
        """The parts of OpenAPI that are not for custom resources."""
        errors: Errors = []
        if self.options.require_types and schema.type and schema.type not in TYPES:
            errors.append(field.not_supported(path.child("type"), schema.type, TYPES))
        if schema.default is not None and place.no_defaults:
            errors.append(field.forbidden(path.child("default"), f"must not be set {place.no_defaults}"))
        for name, value in (
            ("id", schema.id),
            ("additionalItems", schema.additionalItems is not None),
            ("patternProperties", schema.patternProperties),
            ("definitions", schema.definitions),
            ("dependencies", schema.dependencies is not None),
            ("$ref", schema.ref_),
        ):
            if value:
                errors.append(field.forbidden(path.child(name), f"{name} is not supported"))
        if schema.type == "null":
            detail = "type cannot be set to null, use nullable as an alternative"
            errors.append(field.forbidden(path.child("type"), detail))
        if isinstance(schema.items, list) and schema.items:
            errors.append(field.forbidden(path.child("items"), "items must be a schema object and not an array"))
        if place.meta and schema.x_kubernetes_embedded_resource:
            detail = "must not be used inside of resource meta"
            errors.append(field.forbidden(path.child("x-kubernetes-embedded-resource"), detail))
        if schema.uniqueItems:
            detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            errors.append(field.forbidden(path.child("uniqueItems"), detail))
        return errors


def _extensions(schema: JSONSchemaProps, path: Path, options: Options) -> Errors:
    errors: Errors = []
    if schema.x_kubernetes_preserve_unknown_fields is False:
        where = path.child("x-kubernetes-preserve-unknown-fields")
        errors.append(field.invalid(where, False, "must be true or undefined"))
    map_type, list_type = schema.x_kubernetes_map_type, schema.x_kubernetes_list_type
    if map_type:
        errors += _typed(schema, "object", "x-kubernetes-map-type", path)
        if map_type not in ("atomic", "granular"):
            where = path.child("x-kubernetes-map-type")
            errors.append(field.not_supported(where, map_type, ("atomic", "granular")))
    if list_type:
        mistyped = _typed(schema, "array", "x-kubernetes-list-type", path)
        errors += mistyped
        if not mistyped and options.require_atomic_sets:
            errors += _set_items(schema, path)
        if list_type not in ("atomic", "set", "map"):
            where = path.child("x-kubernetes-list-type")
            errors.append(field.not_supported(where, list_type, ("atomic", "set", "map")))
    if schema.x_kubernetes_list_map_keys and list_type != "map":
        where, detail = path.child("x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty"
        errors.append(field.invalid(where, list_type, detail) if list_type else field.required(where, detail))
    if list_type == "map":
        errors += _list_map(schema, path)
    return errors + _list_keys(schema, path) if options.require_list_keys else errors


def _typed(schema: JSONSchemaProps, wanted: str, because: str, path: Path) -> Errors:
    if schema.type == wanted:
        return []
    where, detail = path.child("type"), f"must be {wanted} if {because} is specified"
    return [field.invalid(where, schema.type, detail) if schema.type else field.required(where, detail)]


def _set_items(schema: JSONSchemaProps, path: Path) -> Errors:
    """The items of a set are compared as wholes."""
    items = schema.items
    if schema.x_kubernetes_list_type != "set" or items is None or isinstance(items, list):
        return []
    detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
    kind = items.x_kubernetes_list_type
    if items.type == "array" and kind not in ("", "atomic"):
        return [field.invalid(path.child("items", "x-kubernetes-list-type"), kind, detail)]
    if items.type == "object" and items.x_kubernetes_map_type != "atomic":
        return [field.invalid(path.child("items", "x-kubernetes-map-type"), kind or None, detail)]
    return []


def _list_map(schema: JSONSchemaProps, path: Path) -> Errors:
    errors: Errors = []
    keys, items = schema.x_kubernetes_list_map_keys or [], schema.items
    where = path.child("x-kubernetes-list-map-keys")
    if not keys:
        errors.append(field.required(where, "must not be empty if x-kubernetes-list-type is map"))
    if items is None:
        detail = "must have a schema if x-kubernetes-list-type is map"
        return [*errors, field.required(path.child("items"), detail)]
    if isinstance(items, list):
        detail = "must only have a single schema if x-kubernetes-list-type is map"
        return [*errors, field.invalid(path.child("items"), codec.to_builtins(items), detail)]
    if items.type != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        return [*errors, field.invalid(path.child("items", "type"), items.type, detail)]
    properties = items.properties or {}
    repeated = set(field.repeated(keys))
    for index, key in enumerate(keys):
        if key not in properties:
            errors.append(field.invalid(where, keys, "entries must all be names of item properties"))
        elif properties[key].type in ("array", "object"):
            below = path.child("items", "properties").key(key).child("type")
            detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            errors.append(field.invalid(below, items.type, detail))
        if index in repeated:
            errors.append(field.invalid(where, keys, "must not contain duplicate entries"))
    return errors


def _list_keys(schema: JSONSchemaProps, path: Path) -> Errors:
    """Items that are told apart must have what tells them apart."""
    items, kind = schema.items, schema.x_kubernetes_list_type
    if kind not in ("set", "map") or items is None or isinstance(items, list):
        return []
    errors: Errors = []
    where = path.child("items")
    if items.nullable:
        errors.append(
            field.forbidden(where.child("nullable"), f"cannot be nullable when x-kubernetes-list-type is {kind}")
        )
    if kind == "set":
        return errors
    for key in schema.x_kubernetes_list_map_keys or ():
        found = (items.properties or {}).get(key)
        if found is None:
            continue
        below = where.child("properties").key(key)
        because = "this property is in x-kubernetes-list-map-keys, so it"
        if key not in (items.required or ()) and found.default is None:
            errors.append(
                field.required(below.child("default"), f"{because} must have a default or be a required property")
            )
        if found.nullable:
            errors.append(field.forbidden(below.child("nullable"), f"{because} cannot be nullable"))
    return errors


def _rule(rule: ValidationRule, schema: JSONSchemaProps, path: Path) -> Errors:
    errors: Errors = []
    text, message = rule.rule.strip(), rule.message.strip()
    if not text:
        errors.append(field.required(path.child("rule"), "rule is not specified"))
    elif rule.message and not message:
        errors.append(field.invalid(path.child("message"), rule.message, "must be non-empty if specified"))
    elif _has_breaks(message):
        errors.append(field.invalid(path.child("message"), rule.message, "must not contain line breaks"))
    elif _has_breaks(text) and not message:
        detail = "message must be specified if rule contains line breaks"
        errors.append(field.required(path.child("message"), detail))
    if rule.messageExpression and not rule.messageExpression.strip():
        detail = "messageExpression must be non-empty if specified"
        errors.append(field.required(path.child("messageExpression"), detail))
    if rule.reason and rule.reason not in REASONS:
        errors.append(field.not_supported(path.child("reason"), rule.reason, REASONS))
    where = path.child("fieldPath")
    if rule.fieldPath and not rule.fieldPath.strip():
        errors.append(field.invalid(where, rule.fieldPath, "must be non-empty if specified"))
    if _has_breaks(rule.fieldPath):
        errors.append(field.invalid(where, rule.fieldPath, "must not contain line breaks"))
    if rule.fieldPath and not _leads(rule.fieldPath, schema):
        errors.append(field.invalid(where, rule.fieldPath, "must be a valid path"))
    return errors


def _has_breaks(text: str) -> bool:
    return "\n" in text or "\r" in text


def _leads(text: str, schema: JSONSchemaProps) -> bool:
    try:
        find(text, schema)
    except FieldPathError:
        return False
    return True
