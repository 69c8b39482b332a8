"""The schema as a tree of nodes: what pruning, defaulting and the walks beside validation need of it, computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

META_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


class Node:
    """One place in an object.

    `mapped` tells that it has additionalProperties, `additional` their schema (None where only a boolean is given).
    `defaulted` tells whether there is a default below; a default of None is none. `embeds` and `lists` tell whether an
    embedded resource, or a list that is a set or map, is here or below.
    """

    __slots__ = (
        "additional", "default", "defaulted", "embedded", "embeds", "items", "list_keys", "list_type",
        "lists", "map_type", "mapped", "nullable", "preserve", "properties", "schema", "type",
    )  # fmt: skip

    def __init__(self, schema: JSONSchemaProps) -> None:
        self.schema = schema
        self.type = schema.type
        self.nullable = bool(schema.nullable)
        self.default = schema.default
        self.embedded = bool(schema.x_kubernetes_embedded_resource)
        self.preserve = bool(schema.x_kubernetes_preserve_unknown_fields)
        self.list_type = schema.x_kubernetes_list_type
        self.list_keys = tuple(schema.x_kubernetes_list_map_keys or ())
        self.map_type = schema.x_kubernetes_map_type
        self.properties = {k: Node(v) for k, v in (schema.properties or {}).items()}
        more = schema.additionalProperties
        self.mapped = more is not None
        self.additional = None if more is None or isinstance(more, bool) else Node(more)
        items = schema.items
        self.items = None if items is None or isinstance(items, list) else Node(items)
        below = self.children()
        self.defaulted: bool = any(n.default is not None or n.defaulted for n in below)
        self.embeds: bool = self.embedded or any(n.embeds for n in below)
        self.lists: bool = self.list_type in ("set", "map") or any(n.lists for n in below)

    def children(self) -> list[Node]:
        found = list(self.properties.values())
        if self.additional is not None:
            found.append(self.additional)
        if self.items is not None:
            found.append(self.items)
        return found

    def child(self, name: str) -> Node | None:
        """The schema of a member; None where there is none."""
        return self.properties.get(name, self.additional)


def copied(value: Any) -> Any:
    """A deep copy of a plain value."""
    if type(value) is dict:
        return {k: copied(v) for k, v in value.items()}
    if type(value) is list:
        return [copied(v) for v in value]
    return value


def is_deep(value: Any, limit: int) -> bool:
    """Whether a plain value is nested deeper than that. What walks along values recursively must not meet such a one."""
    level: list[Any] = [value]
    for _ in range(limit):
        below: list[Any] = []
        for one in level:
            if type(one) is dict:
                below += one.values()
            elif type(one) is list:
                below += one
        if not below:
            return False
        level = below
    return True


def identical(one: Any, other: Any) -> bool:
    """Whether two plain values are the same: unlike Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(identical(v, other[k]) for k, v in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


class Unsupported(ValueError):
    """A schema that uses what structural schemas cannot express."""


def check_supported(schema: JSONSchemaProps) -> None:
    """Raise Unsupported for a field, anywhere in the schema, that is never allowed."""
    for name, value in (
        ("id", schema.id),
        ("schema", schema.schema_),
        ("$ref", schema.ref_),
        ("patternProperties", schema.patternProperties),
        ("dependencies", schema.dependencies),
        ("additionalItems", schema.additionalItems is not None),
        ("definitions", schema.definitions),
    ):
        if value:
            raise Unsupported(f"OpenAPIV3Schema '{name}' is not supported")
    if isinstance(schema.items, list):
        raise Unsupported("OpenAPIV3Schema 'items' must be a schema, but is an array")
    if schema.x_kubernetes_preserve_unknown_fields is False:
        raise Unsupported("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined")
    for child in subschemas(schema):
        check_supported(child)


def is_deep_schema(schema: JSONSchemaProps, limit: int) -> bool:
    """Whether a schema is nested deeper than that."""
    level = [schema]
    for _ in range(limit):
        level = [child for one in level for child in subschemas(one)]
        if not level:
            return False
    return True


def subschemas(schema: JSONSchemaProps) -> list[JSONSchemaProps]:
    """The schemas right below one, however they are nested."""
    found: list[JSONSchemaProps] = []
    items, more, extra = schema.items, schema.additionalProperties, schema.additionalItems
    if isinstance(items, list):
        found += items
    elif items is not None:
        found.append(items)
    found += [*(schema.allOf or ()), *(schema.anyOf or ()), *(schema.oneOf or ())]
    if schema.not_ is not None:
        found.append(schema.not_)
    found += (schema.properties or {}).values()
    found += (schema.patternProperties or {}).values()
    found += (schema.definitions or {}).values()
    found += [s for s in (schema.dependencies or {}).values() if not isinstance(s, list)]
    for one in (more, extra):
        if one is not None and not isinstance(one, bool):
            found.append(one)
    return found


def has_rules(schema: JSONSchemaProps) -> bool:
    """Whether there are rules (`x-kubernetes-validations`) at or below a place."""
    if schema.x_kubernetes_validations:
        return True
    more, items = schema.additionalProperties, schema.items
    below = list((schema.properties or {}).values())
    if more is not None and not isinstance(more, bool):
        below.append(more)
    if items is not None and not isinstance(items, list):
        below.append(items)
    return any(map(has_rules, below))
