"""CustomResourceDefinition: a kind that users add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steersman.api.field import Errors
from steersman.api.meta import Resource
from steersman.kinds.apiextensions import crd_older
from steersman.kinds.columns import NAME_AND_CREATED_AT, name_and_created_at
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition

# What these need is loaded when the first definition is written.


def _default(obj: CustomResourceDefinition) -> None:
    from steersman.kinds.apiextensions import crd_hooks

    crd_hooks.default(obj)


def _on_create(obj: CustomResourceDefinition) -> None:
    from steersman.kinds.apiextensions import crd_hooks

    crd_hooks.on_create(obj)


def _on_update(obj: CustomResourceDefinition, old: CustomResourceDefinition) -> None:
    from steersman.kinds.apiextensions import crd_hooks

    crd_hooks.on_update(obj, old)


def _on_delete(obj: CustomResourceDefinition) -> None:
    from steersman.kinds.apiextensions import crd_hooks

    crd_hooks.on_delete(obj)


def _blockers(obj: CustomResourceDefinition) -> Sequence[str]:
    from steersman.kinds.apiextensions import crd_hooks

    return crd_hooks.blockers(obj)


def _warnings(obj: CustomResourceDefinition) -> list[str]:
    from steersman.kinds.apiextensions import crd_hooks

    return crd_hooks.warnings(obj)


def _update_warnings(obj: CustomResourceDefinition, old: CustomResourceDefinition) -> list[str]:
    from steersman.kinds.apiextensions import crd_hooks

    return crd_hooks.update_warnings(obj, old)


def _check_new(obj: CustomResourceDefinition) -> Errors:
    from steersman.kinds.apiextensions import crd_validation

    return crd_validation.validate(obj)


def _check_update(obj: CustomResourceDefinition, old: CustomResourceDefinition) -> Errors:
    from steersman.kinds.apiextensions import crd_validation

    return crd_validation.validate_update(obj, old)


def _check_status_update(obj: CustomResourceDefinition, old: CustomResourceDefinition) -> Errors:
    from steersman.kinds.apiextensions import crd_validation

    return crd_validation.validate_status(obj, old)


KIND: Kind[CustomResourceDefinition] = Kind(
    resource=Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False),
    versions=crd_older.CUSTOM_RESOURCE_DEFINITION,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
    columns=NAME_AND_CREATED_AT,
    row=name_and_created_at,
    default=_default,
    on_create=_on_create,
    on_update=_on_update,
    on_delete=_on_delete,
    blockers=_blockers,
    warnings=_warnings,
    update_warnings=_update_warnings,
    check_new=_check_new,
    check_update=_check_update,
    check_status_update=_check_status_update,
)
