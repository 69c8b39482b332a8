"""Schemas of types, from their fields: what the decoder accepts is what the description says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from steersman.api.schema import ListInfo
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape, fields

Schema = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_PACKAGES = {
    "meta_v1": _META,
    "apiextensions_v1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    "apiextensions_v1beta1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1",
    "apiregistration_v1": "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
}
_NAMED_LEAVES: dict[Leaf, tuple[str, Schema]] = {
    Leaf.QUANTITY: ("io.k8s.apimachinery.pkg.api.resource.Quantity", {"type": "string"}),
    Leaf.TIME: (f"{_META}.Time", {"type": "string", "format": "date-time"}),
    Leaf.MICRO_TIME: (f"{_META}.MicroTime", {"type": "string", "format": "date-time"}),
    Leaf.INT_OR_STRING: (
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        {"type": "string", "format": "int-or-string"},
    ),
}
_PLAIN_LEAVES: dict[Leaf, Schema] = {
    Leaf.STRING: {"type": "string"},
    Leaf.INT32: {"type": "integer", "format": "int32"},
    Leaf.INT64: {"type": "integer", "format": "int64"},
    Leaf.FLOAT: {"type": "number", "format": "double"},
    Leaf.BOOL: {"type": "boolean"},
    Leaf.BYTES: {"type": "string", "format": "byte"},
}
# Raw objects are objects; what the types of schemas hold (defaults, examples) is any JSON. A definition without a type
# lets every value pass, and clients cannot do with one that is empty.
_RAW_OBJECT: Schema = {"type": "object"}
_JSON_MODULES = ("apiextensions_v1",)
_JSON_NAME, _JSON = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", {"description": "Any JSON value."}


def definition_name(cls: type[Struct]) -> str:
    """`io.k8s.api.core.v1.Pod`: the name that clients and documentation know a type by."""
    module = cls.__module__.rpartition(".")[2]
    package = _PACKAGES.get(module)
    if package is None:
        group, _, version = module.rpartition("_")
        package = f"io.k8s.api.{group}.{version}"
    return f"{package}.{cls.__name__}"


class Builder:
    """Collects the definitions that a set of types needs. `prefix` is where references point to."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.definitions: dict[str, Schema] = {}

    def add(self, cls: type[Struct]) -> str:
        """Define a type and everything it refers to; its name."""
        name = definition_name(cls)
        if name not in self.definitions:
            # Entered before its fields, because types may contain themselves.
            schema = self.definitions[name] = {"type": "object"}
            schema |= self._object(cls)
        return name

    def reference(self, name: str) -> Schema:
        return {"$ref": self._prefix + name}

    def _object(self, cls: type[Struct]) -> Schema:
        merge: dict[str, ListInfo] = dict(getattr(cls, "__merge__", {}))
        anything = self._named(_JSON_NAME, _JSON) if cls.__module__.rpartition(".")[2] in _JSON_MODULES else _RAW_OBJECT
        properties = {}
        for wire, field in fields(cls).items():
            schema = self._schema(field.shape, anything)
            if wire in merge:
                schema = schema | _merge_extensions(merge[wire], is_list=isinstance(field.shape, ListOf))
            properties[wire] = schema
        for wire, default in getattr(cls, "__key_defaults__", {}).items():
            properties[wire] = properties[wire] | {"default": default}
        out: Schema = {"properties": properties} if properties else {}
        if getattr(cls, "__atomic__", False):
            out["x-kubernetes-map-type"] = "atomic"
        required = sorted(getattr(cls, "__required__", ()))
        if required:
            out["required"] = required
        resource = cls.__dict__.get("__resource__")
        gvk = (resource.group, resource.version, resource.kind) if resource else _list_gvk(cls)
        if gvk:
            out["x-kubernetes-group-version-kind"] = [gvk_extension(*gvk)]
        return out

    def _schema(self, shape: Shape, anything: Schema) -> Schema:
        match shape:
            case ObjectOf(cls):
                return self.reference(self.add(cls))
            case ListOf(item):
                return {"type": "array", "items": self._schema(item, anything)}
            case MapOf(value):
                return {"type": "object", "additionalProperties": self._schema(value, anything)}
            case Choice(options):
                return self._choice(options)
            case Leaf.ANY:
                return dict(anything)
            case Leaf():
                return self._leaf(shape)

    def _leaf(self, leaf: Leaf) -> Schema:
        named = _NAMED_LEAVES.get(leaf)
        if named is None:
            return dict(_PLAIN_LEAVES[leaf])
        return self._named(*named)

    def _named(self, name: str, schema: Schema) -> Schema:
        self.definitions.setdefault(name, dict(schema))
        return self.reference(name)

    def _choice(self, options: Sequence[Shape]) -> Schema:
        """An object or something else, as in `JSONSchemaPropsOrBool`: version 2 has no words for it, so it has no type."""
        first, other = options
        if not isinstance(first, ObjectOf):
            raise TypeError(f"no API type: one of {options}")
        kind = "Bool" if other is Leaf.BOOL else "StringArray" if other == ListOf(Leaf.STRING) else "Array"
        name = f"{self.add(first.type)}Or{kind}"
        return self._named(name, {"description": f"{first.type.__name__} or {kind}."})


def _list_gvk(cls: type[Struct]) -> tuple[str, str, str] | None:
    """Lists are kinds, too: their item's group and version."""
    if not cls.__name__.endswith("List") or "items" not in cls.__struct_fields__:
        return None
    item = fields(cls)["items"].shape
    if not isinstance(item, ListOf) or not isinstance(item.item, ObjectOf):
        return None
    resource = getattr(item.item.type, "__resource__", None)
    return (resource.group, resource.version, cls.__name__) if resource else None


def gvk_extension(group: str, version: str, kind: str) -> Schema:
    return {"group": group, "version": version, "kind": kind}


def _merge_extensions(info: ListInfo, *, is_list: bool) -> Schema:
    out: Schema = {}
    if info.list_type:
        out["x-kubernetes-list-type" if is_list else "x-kubernetes-map-type"] = info.list_type
    if info.map_keys:
        out["x-kubernetes-list-map-keys"] = list(info.map_keys)
    if info.patch_strategy:
        out["x-kubernetes-patch-strategy"] = info.patch_strategy
    if info.merge_key:
        out["x-kubernetes-patch-merge-key"] = info.merge_key
    return out
