"""A custom resource at one version as a Kind: what its schema and its definition make of the hooks of all kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from steersman.api import codec, names
from steersman.api.field import Errors
from steersman.api.meta import Resource
from steersman.api.untyped import Untyped
from steersman.apiserver.crd.columns import Columns, Selectable
from steersman.apiserver.crd.version import Version, changed, keep_status
from steersman.kinds import finalizers
from steersman.kinds.kind import Kind
from steersman.kinds.types.apiextensions_v1 import (
    CustomResourceDefinition,
    CustomResourceDefinitionVersion,
    JSONSchemaProps,
)

_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_VERBS_AT_END = ("delete", "deletecollection", "get", "list", "watch")


@dataclass(slots=True)
class Life:
    """How things stand with a definition, for all that serves it."""

    ending: bool = False
    """Whether it is being deleted."""


@dataclass(frozen=True)
class CustomKind(Kind[Untyped]):
    """Each version of a definition is a kind of its own: objects are judged in the version in which they are written."""

    rules: Version = field(kw_only=True)
    selects: Selectable = field(kw_only=True)
    stored_as: Resource = field(kw_only=True)
    lists_as: str = field(kw_only=True)
    life: Life = field(kw_only=True)

    @property
    def type(self) -> Any:
        """There is no Struct."""
        return None

    @property
    def list_kind(self) -> str:
        return self.lists_as

    @property
    def discovered_verbs(self) -> tuple[str, ...]:
        return _VERBS_AT_END if self.life.ending else _VERBS

    @property
    def strategic(self) -> bool:
        return False

    @property
    def custom(self) -> bool:
        return True

    @property
    def schema(self) -> JSONSchemaProps:
        return self.rules.schema

    @property
    def storage_resource(self) -> Resource:
        return self.stored_as

    @property
    def has_selectable(self) -> bool:
        return bool(self.selects.names)

    @cached_property
    def selectable_fields(self) -> frozenset[str]:
        fixed = {"metadata.name"} | ({"metadata.namespace"} if self.resource.namespaced else set())
        return frozenset(fixed) | self.selects.names

    def revive(self, plain: Any) -> Untyped:
        """`plain` becomes the object's own."""
        obj, _ = self.rules.build(plain)
        self.rules.default(obj)
        return obj

    def prepare_create(self, obj: Untyped) -> None:
        if self.has_status:
            obj.content.pop("status", None)
        obj.metadata.generation = 1

    def prepare_update(self, obj: Untyped, old: Untyped) -> None:
        if self.has_status:
            keep_status(obj, old)
        before = old.metadata.generation or 0
        obj.metadata.generation = before + 1 if changed(obj, old) else before

    def prepare_status_update(self, obj: Untyped, old: Untyped) -> None:
        """Only the status is taken from the new object."""
        status = obj.content.get("status")
        meta, managed = codec.clone(old.metadata), obj.metadata.managedFields
        meta.managedFields = managed
        obj.metadata = meta
        obj.content = old.clone().content
        obj.content.pop("status", None)
        if status is not None:
            obj.content["status"] = status

    def validate(self, obj: Untyped) -> Errors:
        return self.rules.validate(obj)

    def validate_update(self, obj: Untyped, old: Untyped) -> Errors:
        return self.rules.validate_update(obj, old)

    def validate_status_update(self, obj: Untyped, old: Untyped) -> Errors:
        return self.rules.validate_status(obj, old)


def make(
    crd: CustomResourceDefinition,
    version: CustomResourceDefinitionVersion,
    rules: Version,
    storage: Resource,
    life: Life,
) -> CustomKind:
    """The kind of one version of a definition."""
    accepted = crd.status.acceptedNames or crd.spec.names
    columns = Columns(version.additionalPrinterColumns)
    subresources = {n for n, has in (("status", rules.has_status), ("scale", rules.scale is not None)) if has}
    selectable = frozenset(f.jsonPath.removeprefix(".") for f in version.selectableFields or ())
    return CustomKind(
        resource=rules.resource,
        singular=accepted.singular,
        short_names=tuple(accepted.shortNames or ()),
        categories=tuple(accepted.categories or ()),
        subresources=frozenset(subresources),
        verbs=_VERBS,
        generation=True,
        allow_unconditional_update=False,
        default=rules.default,
        warnings=_warnings,
        update_warnings=_update_warnings,
        columns=columns.columns,
        row=columns.row,
        scale=None if rules.scale is None else rules.scale.paths,
        rules=rules,
        selects=Selectable(selectable),
        stored_as=storage,
        lists_as=accepted.listKind,
        life=life,
    )


def _warnings(obj: Untyped) -> list[str]:
    return _finalizer_warnings(set(obj.metadata.finalizers or ()))


def _update_warnings(obj: Untyped, old: Untyped) -> list[str]:
    return _finalizer_warnings(set(obj.metadata.finalizers or ()) - set(old.metadata.finalizers or ()))


def _finalizer_warnings(added: set[str]) -> list[str]:
    found = []
    for name in sorted(added):
        found += [f'metadata.finalizers: "{name}": {m}' for m in names.qualified_name(name)]
        if "/" in name or name in finalizers.STANDARD:
            continue
        path = " including a path (/)" if "." in name else ""
        found.append(
            f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name{path} to avoid accidental conflicts '
            "with other finalizer writers"
        )
    return found
