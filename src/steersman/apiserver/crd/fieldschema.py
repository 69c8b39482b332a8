"""The schemas of custom resources for whoever must know how values merge, and who owns their fields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from steersman.api import fieldset
from steersman.api.apply import Document
from steersman.api.fieldset import LEAF, FieldSet
from steersman.api.typed import DEDUCED, FieldType, ListType, MapType, Node, ScalarKind, field_type, schema_of
from steersman.apiserver.crd.version import Version
from steersman.apiserver.managedfields import FieldManager
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.meta_v1 import ObjectMeta

_SCALARS: Mapping[str, ScalarKind] = {
    "string": "string", "integer": "numeric", "number": "numeric", "boolean": "boolean",
}  # fmt: skip
_STATUS = fieldset.from_paths([("f:status",)])
_BUT_STATUS = fieldset.from_paths([("f:metadata",), ("f:spec",)])


def node_of(schema: JSONSchemaProps) -> Node:
    """A place in an object, as far as merging goes."""
    preserve = schema.x_kubernetes_preserve_unknown_fields
    if schema.x_kubernetes_int_or_string:
        return Node("untyped")
    if schema.type in _SCALARS:
        return Node(_SCALARS[schema.type])
    if schema.type == "array":
        return Node(list=_list(schema))
    if schema.type != "object":
        return DEDUCED
    fields = {name: field_type(name, node_of(child)) for name, child in sorted((schema.properties or {}).items())}
    if schema.x_kubernetes_embedded_resource:
        fields |= _resource()
    element = DEDUCED if preserve else None
    more = schema.additionalProperties
    if more is not None and more is not False:
        element = DEDUCED if more is True else node_of(more)
    atomic = schema.x_kubernetes_map_type == "atomic"
    if not fields and element is None:
        # An object of which nothing is known.
        return DEDUCED
    return Node(map=MapType(fields, element, atomic))


def _list(schema: JSONSchemaProps) -> ListType:
    items = schema.items
    item = DEDUCED if items is None or isinstance(items, list) else node_of(items)
    keys = tuple(schema.x_kubernetes_list_map_keys or ())
    if schema.x_kubernetes_list_type == "map" and keys and items is not None and not isinstance(items, list):
        properties = items.properties or {}
        defaults = {k: properties[k].default for k in keys if k in properties and properties[k].default is not None}
        return ListType(item, False, keys, defaults)
    return ListType(item, schema.x_kubernetes_list_type != "set")


def _resource() -> dict[str, FieldType]:
    """What every object has."""
    return {
        "apiVersion": field_type("apiVersion", Node("string")),
        "kind": field_type("kind", Node("string")),
        "metadata": field_type("metadata", schema_of(ObjectMeta)),
    }


def root_of(schema: JSONSchemaProps) -> Node:
    """A whole object."""
    node = node_of(schema)
    found = node.map or MapType()
    if node is DEDUCED:
        found = MapType(element=DEDUCED)
    return Node(map=MapType({**found.fields, **_resource()}, found.element, found.atomic))


class CustomVersions:
    """All versions of a definition, by apiVersion, as `api.apply` asks for them.

    A conversion here is only another name: fields that a webhook renames are owned under the name they were written by.
    """

    def __init__(self, versions: Mapping[str, Version]) -> None:
        self._versions = versions
        self._roots: dict[str, Node] = {}

    def schema(self, version: str) -> Node | None:
        known = self._roots.get(version)
        if known is None and version in self._versions:
            known = self._roots[version] = root_of(self._versions[version].schema)
        return known

    def convert(self, document: Document, source: str, target: str) -> Document:
        return document if source == target else {**document, "apiVersion": target}


class CustomFieldManager(FieldManager):
    """Owners of the fields of custom objects, of which nothing is there before somebody makes it."""

    @cached_property
    def empty(self) -> Document:
        resource = self.served.resource
        out: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind}
        return out

    def reset(self, *, create: bool = False) -> FieldSet:
        if not self.served.kind.has_status:
            return LEAF
        if self.subresource == "status":
            return _BUT_STATUS
        return LEAF if self.subresource else _STATUS
