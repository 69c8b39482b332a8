"""What the API server does with a custom resource definition beside storing it: first values, deletion, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steersman.api import codec
from steersman.kinds.apiextensions import crd_status
from steersman.kinds.apiextensions.structural import formats
from steersman.kinds.apiextensions.structural.nodes import subschemas
from steersman.kinds.types.apiextensions_v1 import CustomResourceConversion

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition, JSONSchemaProps


def default(obj: CustomResourceDefinition) -> None:
    names = obj.spec.names
    names.singular = names.singular or names.kind.lower()
    names.listKind = names.listKind or (names.kind and names.kind + "List")
    obj.spec.conversion = obj.spec.conversion or CustomResourceConversion(strategy="None")
    webhook = obj.spec.conversion.webhook
    service = webhook.clientConfig.service if webhook and webhook.clientConfig else None
    if service is not None and service.port is None:
        service.port = 443


def on_create(obj: CustomResourceDefinition) -> None:
    crd_status.store(obj)


def on_update(obj: CustomResourceDefinition, old: CustomResourceDefinition) -> None:
    obj.status = codec.clone(old.status)
    crd_status.store(obj)


def on_delete(obj: CustomResourceDefinition) -> None:
    """The first deletion marks the definition: its objects must be removed before it."""
    if crd_status.find(obj, crd_status.TERMINATING) is None:
        obj.metadata.finalizers = [*(obj.metadata.finalizers or ()), crd_status.CLEANUP]
        crd_status.set_condition(obj, crd_status.DELETION_PENDING, obj.metadata.deletionTimestamp)


def blockers(obj: CustomResourceDefinition) -> Sequence[str]:
    """What must be gone before the definition: its finalizers, and before anything else its objects."""
    if crd_status.find(obj, crd_status.TERMINATING) is None:
        return (*(obj.metadata.finalizers or ()), crd_status.CLEANUP)
    return obj.metadata.finalizers or ()


def warnings(obj: CustomResourceDefinition) -> list[str]:
    """Formats that mean nothing, and sets of what is no scalar."""
    found: list[str] = []
    sets: set[str] = set()
    for version in obj.spec.versions:
        if version.schema is not None and version.schema.openAPIV3Schema is not None:
            _look(version.schema.openAPIV3Schema, found, sets)
    return [*found, *sorted(sets)]


def update_warnings(obj: CustomResourceDefinition, old: CustomResourceDefinition) -> list[str]:
    before = set(warnings(old))
    return [w for w in warnings(obj) if w not in before]


def _look(schema: JSONSchemaProps, found: list[str], sets: set[str]) -> None:
    if schema.format and not formats.recognized(schema.type, schema.format):
        found.append(f'unrecognized format "{schema.format}"')
    items = schema.items if schema.x_kubernetes_list_type == "set" else None
    if items is not None and not isinstance(items, list) and items.type in ("object", "array"):
        sets.add(
            f'x-kubernetes-list-type: set for items of type "{items.type}" is not supported by server-side apply or '
            "CEL validation rules"
        )
    for child in subschemas(schema):
        _look(child, found, sets)
