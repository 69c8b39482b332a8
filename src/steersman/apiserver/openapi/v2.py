"""The OpenAPI v2 document (Swagger) of everything that is served."""

from __future__ import annotations

from typing import Any

from steersman.apiserver.openapi.model import Model
from steersman.apiserver.openapi.paths import operation_id, path_parameters

PREFIX = "#/definitions/"


def document(model: Model, version: str) -> dict[str, Any]:
    """`model` was built with references under `#/definitions/`."""
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": {path: _path(path, operations) for path, operations in model.paths.items()},
        "definitions": model.definitions,
    }


def _path(path: str, operations: dict[str, dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {m: _operation(m, path, o) for m, o in operations.items()}
    names = path_parameters(path)
    if names:
        out["parameters"] = [_parameter(n, "path", "string", required=True) for n in names]
    return out


def _parameter(name: str, where: str, type_: str, *, required: bool = False) -> dict[str, Any]:
    out: dict[str, Any] = {"name": name, "in": where, "type": type_, "uniqueItems": True}
    return {**out, "required": True} if required else out


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [_parameter(name, "query", type_) for name, type_ in operation["parameters"]]
    if operation["body"]:
        schema = {"type": "object"} if method == "patch" else {"$ref": operation["body"]}
        parameters.insert(0, {"name": "body", "in": "body", "required": True, "schema": schema})
    return {
        "operationId": operation_id(method, path),
        "consumes": operation["patches"] if method == "patch" else ["*/*"],
        "produces": ["application/json", "application/yaml"],
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "schema": {"$ref": operation["answer"]}}},
        "x-kubernetes-action": operation["x-kubernetes-action"],
        "x-kubernetes-group-version-kind": operation["x-kubernetes-group-version-kind"],
    }
