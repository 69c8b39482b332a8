"""The types of what admission expressions see: the request, its namespace, and the changes a mutation makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.cel.errors import EvalError
from steersman.cel.library.conversion import parse_time
from steersman.cel.types import (
    BOOL,
    DYN,
    INT,
    LIST_OF_STRING,
    STRING,
    TIMESTAMP,
    Field,
    Type,
    list_of,
    map_of,
    object_of,
)


def _named(type_name: str, /, **fields: Type) -> Type:
    return object_of(type_name, {field: Field(t, field) for field, t in fields.items()})


_KIND = _named("kubernetes.GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_RESOURCE = _named("kubernetes.GroupVersionResource", group=STRING, version=STRING, resource=STRING)
USER = _named(
    "kubernetes.UserInfo", username=STRING, uid=STRING, groups=LIST_OF_STRING, extra=map_of(STRING, LIST_OF_STRING)
)
"""Who asks, or is asked about."""
REQUEST = _named(
    "kubernetes.AdmissionRequest",
    kind=_KIND,
    resource=_RESOURCE,
    subResource=STRING,
    requestKind=_KIND,
    requestResource=_RESOURCE,
    requestSubResource=STRING,
    name=STRING,
    namespace=STRING,
    operation=STRING,
    userInfo=USER,
    dryRun=BOOL,
    options=DYN,
)
"""The variable `request`."""

_METADATA = _named(
    "kubernetes.NamespaceMetadata",
    name=STRING,
    generateName=STRING,
    namespace=STRING,
    labels=map_of(STRING, STRING),
    annotations=map_of(STRING, STRING),
    UID=STRING,
    creationTimestamp=TIMESTAMP,
    deletionGracePeriodSeconds=INT,
    deletionTimestamp=TIMESTAMP,
    generation=INT,
    resourceVersion=STRING,
    finalizers=LIST_OF_STRING,
)
_CONDITION = _named(
    "kubernetes.NamespaceCondition",
    status=STRING,
    type=STRING,
    lastTransitionTime=TIMESTAMP,
    message=STRING,
    reason=STRING,
)
_TIMES = frozenset({"creationTimestamp", "deletionTimestamp", "lastTransitionTime"})
_FREE = frozenset({"labels", "annotations"})


def _with_times(raw: Any) -> Any:
    """Plain values with their times as instants."""
    if isinstance(raw, list):
        return [_with_times(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    return {
        key: _instant(held) if key in _TIMES else held if key in _FREE else _with_times(held)
        for key, held in raw.items()
    }


def _instant(raw: Any) -> Any:
    try:
        return parse_time(raw) if isinstance(raw, str) else raw
    except EvalError:
        return raw


NAMESPACE = Type(
    "object",
    "kubernetes.Namespace",
    fields={
        "metadata": Field(_METADATA, "metadata"),
        "spec": Field(_named("kubernetes.NamespaceSpec", finalizers=LIST_OF_STRING), "spec"),
        "status": Field(_named("kubernetes.NamespaceStatus", phase=STRING, conditions=list_of(_CONDITION)), "status"),
    },
    prepare=_with_times,
)
"""The variable `namespaceObject`."""

JSON_PATCH = Type(
    "object",
    "JSONPatch",
    fields={name: Field(t, name) for name, t in (("op", STRING), ("path", STRING), ("from", STRING), ("value", DYN))},
)
OBJECT = Type("object", "Object", open_fields=True)
MUTATION_OBJECTS: Mapping[str, Type] = {"JSONPatch": JSON_PATCH, "Object": OBJECT}
"""The objects a mutation may make: `JSONPatch{…}` and `Object{spec: Object.spec{…}}`."""
