"""Checks the expressions of ValidatingAdmissionPolicies against the types that they are about, and says so in their status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from steersman.api import codec
from steersman.controller.declaration import Context, Controller, own
from steersman.kinds.types.admissionregistration_v1 import TypeChecking, ValidatingAdmissionPolicy
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition

if TYPE_CHECKING:
    from steersman.cel import Type
    from steersman.kinds.admissionregistration.type_checking import Name
    from steersman.kinds.catalog import Catalog


class _Known:
    """The types of the API's own kinds, and those of these definitions."""

    def __init__(self, catalog: Catalog, definitions: Iterable[CustomResourceDefinition]) -> None:
        self._catalog = catalog
        self._kinds: dict[Name, Name] = {}
        self._schemas: dict[Name, Mapping[str, object]] = {}
        for definition in definitions:
            group, named = definition.spec.group, definition.spec.names
            for version in definition.spec.versions:
                schema = version.schema.openAPIV3Schema if version.schema is not None else None
                if not version.served or schema is None:
                    continue
                kind = (group, version.name, named.kind)
                self._kinds[(group, version.name, named.plural)] = kind
                self._schemas[kind] = codec.to_builtins(schema)

    def kind_of(self, group: str, version: str, plural: str) -> Name | None:
        found = self._catalog.find(group, version, plural)
        if found is not None:
            return group, version, found.resource.kind
        return self._kinds.get((group, version, plural))

    def type_of(self, kind: Name) -> Type | None:
        from steersman.cel import schema_type
        from steersman.kinds.admissionregistration import schema_types

        served = self._catalog.find_kind(*kind)
        if served is not None:
            return schema_types.type_of(served.type)
        schema = self._schemas.get(kind)
        return None if schema is None else schema_type(schema, kind[2], root=True)


class PolicyStatus:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._policies = context.informers.informer(ValidatingAdmissionPolicy)

    async def reconcile(self, key: str) -> None:
        policy = self._policies.get(key)
        if policy is None or (policy.metadata.generation or 0) <= policy.status.observedGeneration:
            return
        # Expressions are loaded, and custom resources followed, with the first policy.
        from steersman.kinds import catalog
        from steersman.kinds.admissionregistration import type_checking

        definitions = self._context.informers.informer(CustomResourceDefinition)
        await definitions.wait_synced()
        checked = codec.clone(policy)
        warnings = type_checking.check(policy, _Known(catalog.load(), definitions.items()))
        checked.status.observedGeneration = policy.metadata.generation or 0
        checked.status.typeChecking = TypeChecking(expressionWarnings=warnings or None)
        await self._client.update_status(checked)


CONTROLLER = Controller(
    name="validatingadmissionpolicystatus",
    reconciler=PolicyStatus,
    watches=(own(ValidatingAdmissionPolicy),),
    component="validatingadmissionpolicy-status-controller",
    account="validatingadmissionpolicy-status-controller",
)
