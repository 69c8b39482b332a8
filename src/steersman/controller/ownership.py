"""Who owns what: controller references, and taking in or letting go of objects that a selector matches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from steersman.api.errors import Invalid, NotFound
from steersman.api.labels import Selector
from steersman.client.rest import ApiObject, Client
from steersman.kinds.types.meta_v1 import OwnerReference

T = TypeVar("T", bound=ApiObject)


def controller_of(obj: ApiObject) -> Any | None:
    """The owner reference of the object's controller, if it has one."""
    for ref in obj.metadata.ownerReferences or ():
        if ref.controller:
            return ref
    return None


def is_controlled_by(obj: ApiObject, owner: ApiObject) -> bool:
    ref = controller_of(obj)
    return ref is not None and bool(ref.uid == owner.metadata.uid)


def controller_reference(owner: ApiObject) -> OwnerReference:
    """The reference that makes `owner` the controller of the object that carries it."""
    resource = owner.__resource__
    return OwnerReference(
        apiVersion=resource.api_version,
        kind=resource.kind,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=True,
        blockOwnerDeletion=True,
    )


@dataclass(frozen=True, slots=True)
class Claim(Generic[T]):
    """What is whose: `mine` stay, orphans in `adopt` are taken in, those in `release` no longer match and are let go."""

    mine: list[T] = field(default_factory=list)
    adopt: list[T] = field(default_factory=list)
    release: list[T] = field(default_factory=list)


def plan_claim(owner: ApiObject, selector: Selector, objects: Iterable[T]) -> Claim[T]:
    """Decide about the objects of the owner's namespace. An owner that is being deleted takes and lets go of nothing."""
    claim: Claim[T] = Claim()
    deleting = bool(owner.metadata.deletionTimestamp)
    for obj in objects:
        if obj.metadata.namespace != owner.metadata.namespace:
            continue
        ref = controller_of(obj)
        matches = selector.matches(obj.metadata.labels)
        if ref is not None:
            if ref.uid != owner.metadata.uid:
                continue
            if matches:
                claim.mine.append(obj)
            elif not deleting:
                claim.release.append(obj)
        elif matches and not deleting and not obj.metadata.deletionTimestamp:
            claim.adopt.append(obj)
    return claim


async def claim(client: Client, owner: T, selector: Selector, objects: Iterable[Any]) -> list[Any]:
    """The objects that `owner` controls after adopting and releasing what should be."""
    plan = plan_claim(owner, selector, objects)
    for obj in plan.release:
        await release(client, owner, obj)
    if not plan.adopt:
        return plan.mine
    # The informer may be behind: an owner that was deleted, or replaced by one of the same name, must not adopt.
    live = await client.get(type(owner), owner.metadata.name, owner.metadata.namespace)
    if live.metadata.uid != owner.metadata.uid or live.metadata.deletionTimestamp:
        return plan.mine
    adopted = [await adopt(client, owner, obj) for obj in plan.adopt]
    return plan.mine + [obj for obj in adopted if obj is not None]


async def adopt(client: Client, owner: ApiObject, obj: T) -> T | None:
    """Make `owner` the controller of the object; the object as it is then, or None when it is gone."""
    meta = obj.metadata
    body = {"metadata": {"uid": meta.uid, "ownerReferences": [controller_reference(owner)]}}
    try:
        return await client.patch(type(obj), meta.name, body, meta.namespace, "strategic")
    except NotFound:
        return None


async def release(client: Client, owner: ApiObject, obj: ApiObject) -> None:
    """Remove `owner` from the object's owners."""
    meta = obj.metadata
    reference = {"$patch": "delete", "uid": owner.metadata.uid}
    body = {"metadata": {"uid": meta.uid, "ownerReferences": [reference]}}
    try:
        await client.patch(type(obj), meta.name, body, meta.namespace, "strategic")
    except (NotFound, Invalid):
        # The object is gone, or another of its name took its place: nothing to let go of.
        return
