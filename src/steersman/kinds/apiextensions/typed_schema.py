"""How the fields of a custom resource merge: its structural schema as the nodes that server-side apply walks along."""

from __future__ import annotations

from typing import Any

from steersman.api.typed import DEDUCED, ListType, MapType, Node, ScalarKind, field_type, schema_of
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.meta_v1 import ObjectMeta

_SCALARS: dict[str, ScalarKind] = {
    "string": "string",
    "integer": "numeric",
    "number": "numeric",
    "boolean": "boolean",
}
_ATOMIC, _SET, _MAP = "atomic", "set", "map"


def typed_schema(props: JSONSchemaProps | None) -> Node:
    """The nodes of a whole object; without a schema nothing is known of it but its metadata."""
    if props is None:
        return _resource(MapType(element=DEDUCED))
    return _resource(_map(props))


def _resource(of: MapType) -> Node:
    """What every object has, whatever its schema says of it."""
    text = Node("string")
    of.fields["kind"] = field_type("kind", text)
    of.fields["apiVersion"] = field_type("apiVersion", text)
    of.fields["metadata"] = field_type("metadata", schema_of(ObjectMeta))
    of.atomic = False
    return Node(map=of)


def _node(props: JSONSchemaProps) -> Node:
    if props.x_kubernetes_int_or_string:
        return Node("untyped")
    if props.type == "object":
        of = _map(props)
        return _resource(of) if props.x_kubernetes_embedded_resource else Node(map=of)
    if props.type == "array":
        return Node(list=_list(props))
    kind = _SCALARS.get(props.type)
    return Node(kind) if kind is not None else DEDUCED


def _map(props: JSONSchemaProps) -> MapType:
    fields = {name: field_type(name, _node(inner)) for name, inner in (props.properties or {}).items()}
    element = None
    if isinstance(props.additionalProperties, JSONSchemaProps):
        element = _node(props.additionalProperties)
    elif props.additionalProperties or props.x_kubernetes_preserve_unknown_fields or not fields:
        element = DEDUCED
    return MapType(fields, element, props.x_kubernetes_map_type == _ATOMIC)


def _list(props: JSONSchemaProps) -> ListType:
    items = props.items if isinstance(props.items, JSONSchemaProps) else JSONSchemaProps()
    item = _node(items)
    if props.x_kubernetes_list_type == _SET:
        return ListType(item, atomic=False)
    keys = tuple(props.x_kubernetes_list_map_keys or ())
    if props.x_kubernetes_list_type == _MAP and keys:
        return ListType(item, False, keys, _defaults(items, keys))
    return ListType(item)


def _defaults(items: JSONSchemaProps, keys: tuple[str, ...]) -> dict[str, Any]:
    """The values of keys that an item may leave out."""
    known = items.properties or {}
    return {k: known[k].default for k in keys if k in known and known[k].default is not None}
