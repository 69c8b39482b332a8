"""Owners are set only by those who may delete the object, and an owner is kept from being deleted only by those who may do so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from steersman.api.errors import Forbidden
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.authz import Attributes
from steersman.kinds.types.meta_v1 import OwnerReference


async def validate(review: Review, environment: Environment) -> None:
    # Kubelets of old send pods' statuses without owners; a status changes none anyway.
    if (review.resource.plural, review.subresource) == ("pods", "status") or not hasattr(review.object, "metadata"):
        return
    new, old = _owners(review.object), _owners(review.old)
    if new == old:
        return
    if review.operation != CREATE:
        resource = review.resource
        asked = Attributes(
            review.user, "delete", group=resource.group, resource=resource.plural, subresource=review.subresource,
            namespace=review.namespace, name=review.name,
        )  # fmt: skip
        if not await _allowed(environment, asked):
            raise _refused(review, "cannot set an ownerRef on a resource you can't delete: , <nil>")
    blocking = _newly_blocking(new, old)
    # Who may do so to anything needs no resource to be known.
    anything = Attributes(
        review.user, "update", group="*", resource="*", subresource="finalizers", name="*", version="*"
    )
    if not blocking or await _allowed(environment, anything):
        return
    for reference in blocking:
        await _check_blocking(review, environment, reference)


async def _check_blocking(review: Review, environment: Environment, reference: OwnerReference) -> None:
    """The user must be able to set finalizers on the owner, of whatever resource it may be."""
    resources = environment.resources(reference.apiVersion, reference.kind)
    if not resources:
        raise _refused(
            review,
            "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion "
            f'{reference.apiVersion} Kind {reference.kind}: no matches for kind "{reference.kind}" in version '
            f'"{reference.apiVersion}"',
        )
    for resource in resources:
        if not await _allowed(environment, _finalizers(review, resource, reference)):
            raise _refused(
                review,
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
                ", <nil>",
            )


def _finalizers(review: Review, resource: Resource, reference: OwnerReference) -> Attributes:
    return Attributes(
        review.user, "update", group=resource.group, resource=resource.plural, subresource="finalizers",
        namespace=review.namespace if resource.namespaced else "", name=reference.name,
    )  # fmt: skip


def _newly_blocking(new: Iterable[OwnerReference], old: Iterable[OwnerReference]) -> list[OwnerReference]:
    before = {reference.uid for reference in old if reference.blockOwnerDeletion}
    return [reference for reference in new if reference.blockOwnerDeletion and reference.uid not in before]


def _owners(obj: Any) -> list[OwnerReference]:
    found: list[OwnerReference] | None = None if obj is None else obj.metadata.ownerReferences
    return found or []


async def _allowed(environment: Environment, attributes: Attributes) -> bool:
    return environment.allowed is None or await environment.allowed(attributes)


def _refused(review: Review, text: str) -> Forbidden:
    return Forbidden.of(review.resource, review.name, text)


ADMISSION = Admission(
    name="OwnerReferencesPermissionEnforcement",
    order=2_200,
    interests=(Interest(frozenset({CREATE, UPDATE})),),
    validate=validate,
)
