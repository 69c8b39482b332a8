"""Field descriptions for `kubectl explain`, from the optional package that carries them; without it, a hint how to get it."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

HINT = "Descriptions are not installed. They come with: pip install 'steersman[explain]'"
# Where version 3 keeps its definitions.
_V3 = "#/components/schemas/"
_PACKAGE = "kubernetes_validate"

# Any kind will do.
_ANY_KIND = "io.k8s.api.core.v1.ConfigMap"
# What every object has, in our own words where the package is missing.
_MEMBERS = {
    "apiVersion": "APIVersion defines the group and version in which this object is written.",
    "kind": "Kind is the type of this object, in CamelCase.",
    "metadata": "Name, namespace, labels and the like: what every object has.",
}


def _definitions_file() -> Path | None:
    """The newest version's definitions; None when the package is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema"
    found = sorted(root.glob("v*-local/_definitions.json"), key=_version)
    return found[-1] if found else None


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(p) for p in path.parent.name.removeprefix("v").split("-")[0].split("."))


def _texts() -> dict[str, dict[str, Any]] | None:
    """The definitions with descriptions, read anew each time: they are large, and needed rarely."""
    file = _definitions_file()
    found: dict[str, dict[str, Any]] | None = None
    if file is not None:
        found = msgspec.json.decode(file.read_bytes()).get("$defs", {})
    return found


@cache
def _member_texts() -> dict[str, str]:
    """The descriptions of what every object has."""
    properties = (_texts() or {}).get(_ANY_KIND, {}).get("properties", {})
    return {name: properties.get(name, {}).get("description") or own for name, own in _MEMBERS.items()}


def describe_members(properties: dict[str, Any]) -> dict[str, Any]:
    """Write descriptions of what every object has into the properties of one, in place."""
    for field, text in _member_texts().items():
        if text and "description" not in properties.get(field, {"description": ""}):
            _attach(properties, field, properties[field], text)
    return properties


def describe(definitions: dict[str, dict[str, Any]]) -> None:
    """Write descriptions into the definitions, in place."""
    texts = _texts()
    if texts is None:
        for schema in definitions.values():
            if "x-kubernetes-group-version-kind" in schema:
                schema["description"] = HINT
        return
    by_class: dict[str, list[str]] = {}
    for name in texts:
        by_class.setdefault(name.rpartition(".")[2], []).append(name)
    for name, schema in definitions.items():
        source = texts.get(name) or texts.get(_namesake(name, by_class), {})
        if "description" in source:
            schema["description"] = source["description"]
        properties = source.get("properties", {})
        for field, value in schema.get("properties", {}).items():
            text = properties.get(field, {}).get("description")
            if text:
                _attach(schema["properties"], field, value, text)


def _namesake(name: str, by_class: dict[str, list[str]]) -> str:
    """What describes a type of an older version: that of today with its name, of its own group if there is one."""
    package, _, cls = name.rpartition(".")
    group = package.rpartition(".")[0] + "."
    found = by_class.get(cls, [])
    return next((n for n in found if n.startswith(group)), found[0] if found else "")


def _attach(properties: dict[str, Any], field: str, value: dict[str, Any], text: str) -> None:
    """Version 3 allows nothing beside a reference: there allOf carries it. Clients of version 2 look for it in its place
    (an older kubectl's apply ends in a panic when they do not find it), and description and extensions stand beside it."""
    if value.get("$ref", "").startswith(_V3):
        value = {"allOf": [{"$ref": value["$ref"]}]} | {k: v for k, v in value.items() if k != "$ref"}
    properties[field] = {"description": text} | value
