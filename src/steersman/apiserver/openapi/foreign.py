"""OpenAPI v2 documents of other servers: cut down to some paths, put beside our own, and turned into v3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Document = dict[str, Any]

_DEFINITIONS, _PARAMETERS, _SCHEMAS = "#/definitions/", "#/parameters/", "#/components/schemas/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
# What a parameter that is no body says of its values.
_VALUE_KEYS = ("type", "format", "items", "default", "enum", "uniqueItems", "pattern", "minimum", "maximum")


def only(document: Mapping[str, Any], prefix: str) -> Document:
    """The paths that begin with `prefix`, and the definitions they need. Parameters are written where they are referred to."""
    shared = document.get("parameters") or {}
    found = {p: _tidy(item, shared) for p, item in (document.get("paths") or {}).items() if p.startswith(prefix)}
    definitions = document.get("definitions") or {}
    needed = _reachable(found, definitions)
    return {"paths": found, "definitions": {n: definitions[n] for n in definitions if n in needed}}


def _tidy(item: Mapping[str, Any], shared: Mapping[str, Any]) -> Document:
    """A path's item without references to parameters; its operations have all the parts that readers count on."""
    out: Document = {"parameters": _inlined(item, shared)}
    for method in _METHODS:
        if method in item:
            operation = {"consumes": ["*/*"], "produces": ["application/json"], "operationId": "", **item[method]}
            operation["parameters"] = _inlined(item[method], shared)
            operation["responses"] = {
                code: {"description": "", **response} for code, response in (operation.get("responses") or {}).items()
            }
            out[method] = operation
    if not out["parameters"]:
        del out["parameters"]
    return out


def _inlined(owner: Mapping[str, Any], shared: Mapping[str, Any]) -> list[Any]:
    found = (shared.get(p.get("$ref", "").removeprefix(_PARAMETERS), p) for p in owner.get("parameters") or ())
    return [p for p in found if "$ref" not in p]


def references(value: Any, prefix: str = _DEFINITIONS) -> Iterator[str]:
    """The names of all definitions that are referred to somewhere in a value."""
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith(prefix):
            yield target.removeprefix(prefix)
        for child in value.values():
            yield from references(child, prefix)
    elif isinstance(value, list):
        for child in value:
            yield from references(child, prefix)


def _reachable(start: Any, definitions: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    left = list(references(start))
    while left:
        name = left.pop()
        if name in definitions and name not in found:
            found.add(name)
            left += references(definitions[name])
    return found


def renamed(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of a value in which the targets of references are changed."""
    if isinstance(value, dict):
        out = {k: renamed(v, change) for k, v in value.items()}
        if isinstance(value.get("$ref"), str):
            out["$ref"] = change(value["$ref"])
        return out
    if isinstance(value, list):
        return [renamed(v, change) for v in value]
    return value


def merge(into: Document, own: Mapping[str, Any], more: Iterable[Mapping[str, Any]]) -> None:
    """Add documents to a document. Paths that are there already win. A definition whose name means something else already,
    there or in `own` (definitions by name), gets another name."""
    paths, definitions = into["paths"], into["definitions"]
    for document in more:
        known = {**own, **definitions}
        names = _new_names(document["definitions"], known)

        def change(target: str, names: Mapping[str, str] = names) -> str:
            name = target.removeprefix(_DEFINITIONS)
            return _DEFINITIONS + names[name] if name in names else target

        for name, schema in document["definitions"].items():
            if name in names or name not in known:
                definitions[names.get(name, name)] = renamed(schema, change)
        for path, item in document["paths"].items():
            paths.setdefault(path, renamed(item, change))


def _new_names(definitions: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    """New names for definitions that are not what their names mean already, or refer to such."""
    other = {n for n, schema in definitions.items() if n in known and known[n] != schema}
    more = other
    while more:
        more = {n for n, s in definitions.items() if n in known and n not in other and other & set(references(s))}
        other |= more
    names: dict[str, str] = {}
    for name in sorted(other):
        number = 2
        while (new := f"{name}_v{number}") in known or new in definitions:
            number += 1
        names[name] = new
    return names


def to_v3(document: Mapping[str, Any], version: str) -> Document:
    """The same in version 3, for servers that only have version 2."""
    plain = renamed(
        {"paths": document["paths"], "definitions": document["definitions"]},
        lambda target: target.replace(_DEFINITIONS, _SCHEMAS),
    )
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": {path: _item(item) for path, item in plain["paths"].items()},
        "components": {"schemas": plain["definitions"]},
    }


def _item(item: Mapping[str, Any]) -> Document:
    out: Document = {method: _operation(item[method]) for method in _METHODS if method in item}
    if item.get("parameters"):
        out["parameters"] = [_parameter(p) for p in item["parameters"] if p["in"] != "body"]
    return out


def _operation(operation: Mapping[str, Any]) -> Document:
    out: Document = {k: v for k, v in operation.items() if k not in ("consumes", "produces", "schemes")}
    out["parameters"] = [_parameter(p) for p in operation["parameters"] if p["in"] != "body"]
    for body in operation["parameters"]:
        if body["in"] == "body":
            content = {media: {"schema": body.get("schema") or {}} for media in operation["consumes"]}
            out["requestBody"] = {"required": bool(body.get("required")), "content": content}
    out["responses"] = {code: _response(r, operation["produces"]) for code, r in operation["responses"].items()}
    return out


def _parameter(parameter: Mapping[str, Any]) -> Document:
    out: Document = {k: parameter[k] for k in ("name", "in", "description", "required") if k in parameter}
    out["schema"] = {k: parameter[k] for k in _VALUE_KEYS if k in parameter}
    return out


def _response(response: Mapping[str, Any], produces: list[str]) -> Document:
    out: Document = {"description": response["description"]}
    if "schema" in response:
        out["content"] = {media: {"schema": response["schema"]} for media in produces}
    return out
