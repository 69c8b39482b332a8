"""OpenAPI v3 documents, one for each group version, and the index of them."""

from __future__ import annotations

from typing import Any

from steersman.apiserver.openapi.model import Model
from steersman.apiserver.openapi.paths import operation_id, path_parameters

PREFIX = "#/components/schemas/"
_JSON = "application/json"
# What version 2 has no words for.
_CHOICES: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
}


def document(model: Model, version: str) -> dict[str, Any]:
    """`model` was built with references under `#/components/schemas/`."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": {path: _path(path, operations) for path, operations in model.paths.items()},
        "components": {"schemas": {name: _schema(name, one) for name, one in model.definitions.items()}},
    }


def _schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    choice = _CHOICES.get(name)
    return schema if choice is None else {k: v for k, v in schema.items() if k not in ("type", "format")} | choice


def _path(path: str, operations: dict[str, dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {m: _operation(m, path, o) for m, o in operations.items()}
    names = path_parameters(path)
    if names:
        out["parameters"] = [
            {"name": n, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}
            for n in names
        ]
    return out


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "operationId": operation_id(method, path),
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": type_, "uniqueItems": True}}
            for name, type_ in operation["parameters"]
        ],
        "responses": {
            "200": {"description": "OK", "content": {_JSON: {"schema": {"$ref": operation["answer"]}}}},
        },
        "x-kubernetes-action": operation["x-kubernetes-action"],
        "x-kubernetes-group-version-kind": operation["x-kubernetes-group-version-kind"],
    }
    if operation["body"]:
        types = operation["patches"] if method == "patch" else ["*/*"]
        schema: dict[str, Any] = {"type": "object"} if method == "patch" else {"$ref": operation["body"]}
        out["requestBody"] = {"required": True, "content": {t: {"schema": schema} for t in types}}
    return out
