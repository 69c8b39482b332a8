"""Objects of any kind by their metadata alone: what the garbage collector and namespace deletion need of them, and no more."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from steersman.api.meta import Resource


class PartialOwner(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, gc=False):
    """An owner reference."""

    apiVersion: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    blockOwnerDeletion: bool | None = None


class PartialMeta(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The fields of ObjectMeta that decide about an object's life. Others are dropped when decoded."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""
    deletionTimestamp: str | None = None
    finalizers: list[str] | None = None
    ownerReferences: list[PartialOwner] | None = None


class PartialObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Any object. The client asks for PartialObjectMetadata for it; the resource is an argument of each call."""

    apiVersion: str = ""
    kind: str = ""
    metadata: PartialMeta = msgspec.field(default_factory=PartialMeta)

    __resource__: ClassVar[Resource] = Resource("meta.k8s.io", "v1", "", "PartialObjectMetadata", True)
    __metadata_only__: ClassVar[bool] = True
