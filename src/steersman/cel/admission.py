"""The types of what admission expressions see: the request, its namespace, and the changes a mutation makes."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.cel.types import BOOL, DYN, LIST_OF_STRING, STRING, TIMESTAMP, Field, Type, map_of, object_of


def _named(type_name: str, /, **fields: Type) -> Type:
    return object_of(type_name, {field: Field(t, field) for field, t in fields.items()})


_KIND = _named("kubernetes.GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_RESOURCE = _named("kubernetes.GroupVersionResource", group=STRING, version=STRING, resource=STRING)
_USER = _named(
    "kubernetes.UserInfo", username=STRING, uid=STRING, groups=LIST_OF_STRING, extra=map_of(STRING, LIST_OF_STRING)
)
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
    userInfo=_USER,
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
    deletionGracePeriodSeconds=DYN,
    deletionTimestamp=TIMESTAMP,
    generation=DYN,
    resourceVersion=STRING,
    finalizers=LIST_OF_STRING,
)
NAMESPACE = _named(
    "kubernetes.Namespace",
    metadata=_METADATA,
    spec=_named("kubernetes.NamespaceSpec", finalizers=LIST_OF_STRING),
    status=_named("kubernetes.NamespaceStatus", phase=STRING),
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
