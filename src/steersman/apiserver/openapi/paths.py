"""The paths of served resources, with the verbs and the query parameters that clients look for before they use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steersman.apiserver.openapi.schemas import gvk_extension
from steersman.kinds.kind import Served

Operations = dict[str, dict[str, Any]]

_DRY_RUN = ("dryRun", "string")
_FIELD_MANAGER = ("fieldManager", "string")
_FIELD_VALIDATION = ("fieldValidation", "string")
_FORCE = ("force", "boolean")
_LIST = (
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
)
_WRITE = (_DRY_RUN, _FIELD_MANAGER, _FIELD_VALIDATION)
_DELETE = (
    _DRY_RUN,
    ("gracePeriodSeconds", "integer"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
)
PATCH_TYPES = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
]
STRATEGIC = "application/strategic-merge-patch+json"

# (method, verb of the catalogue, action, parameters) on collections and on single objects.
_COLLECTION: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    ("get", "list", "list", _LIST),
    ("post", "create", "post", _WRITE),
    ("delete", "deletecollection", "deletecollection", _DELETE + _LIST[:-2]),
)
_ITEM: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    ("get", "get", "get", ()),
    ("put", "update", "put", _WRITE),
    ("patch", "patch", "patch", (*_WRITE, _FORCE)),
    ("delete", "delete", "delete", _DELETE),
)
_STATUS_VERBS = ("get", "update", "patch")


def paths_of(served: Served, model: str, list_model: str) -> Iterator[tuple[str, Operations]]:
    """(path, operations by method) of one resource. `model` and `list_model` are references to its definitions."""
    resource, verbs = served.resource, served.kind.verbs
    namespace = "{namespace}" if resource.namespaced else ""
    base = resource.path(namespace)
    yield base, _operations(served, _COLLECTION, verbs, model, list_model)
    if resource.namespaced and "list" in verbs:
        yield resource.path(), _operations(served, _COLLECTION[:1], verbs, model, list_model)
    item = _operations(served, _ITEM, verbs, model, list_model)
    if item:
        yield f"{base}/{{name}}", item
    if "status" in served.kind.subresources:
        yield f"{base}/{{name}}/status", _operations(served, _ITEM[:3], _STATUS_VERBS, model, list_model)


def _operations(
    served: Served,
    table: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...],
    verbs: tuple[str, ...],
    model: str,
    list_model: str,
) -> Operations:
    out: Operations = {}
    for method, verb, action, parameters in table:
        if verb in verbs:
            answer = list_model if verb == "list" else model
            out[method] = _operation(served, method, action, parameters, model, answer)
    return out


def _operation(
    served: Served, method: str, action: str, parameters: tuple[tuple[str, str], ...], model: str, answer: str
) -> dict[str, Any]:
    """An operation in neutral form: v2 and v3 write its parameters, body and answer each in their own way."""
    resource = served.resource
    return {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk_extension(resource.group, resource.version, resource.kind),
        "parameters": parameters,
        "body": model if method in ("post", "put", "patch") else "",
        "answer": answer,
        "patches": PATCH_TYPES if served.kind.strategic else [t for t in PATCH_TYPES if t != STRATEGIC],
    }


def path_parameters(path: str) -> list[str]:
    return [name for name in ("name", "namespace") if f"{{{name}}}" in path]


def operation_id(method: str, path: str) -> str:
    """Unique by construction: the method and the path."""
    words = [w.strip("{}").replace(".", "-") for w in path.split("/") if w]
    return method + "".join(w[:1].upper() + w[1:] for w in words)
