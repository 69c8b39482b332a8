"""The types of aggregated discovery, which the API's own description leaves out. v2beta1 has the same."""

from __future__ import annotations

from msgspec import field as _field

from steersman.api.schema import ApiType
from steersman.kinds.types.meta_v1 import ListObject, ObjectMeta


class GroupVersionKind(ApiType, kw_only=True):
    group: str = _field(default_factory=str)
    version: str = _field(default_factory=str)
    kind: str = _field(default_factory=str)


class APISubresourceDiscovery(ApiType, kw_only=True):
    subresource: str = _field(default_factory=str)
    responseKind: GroupVersionKind | None = None
    acceptedTypes: list[GroupVersionKind] | None = None
    verbs: list[str] = _field(default_factory=list)


class APIResourceDiscovery(ApiType, kw_only=True):
    resource: str = _field(default_factory=str)
    responseKind: GroupVersionKind | None = None
    scope: str = _field(default_factory=str)
    singularResource: str = _field(default_factory=str)
    verbs: list[str] = _field(default_factory=list)
    shortNames: list[str] | None = None
    categories: list[str] | None = None
    subresources: list[APISubresourceDiscovery] | None = None


class APIVersionDiscovery(ApiType, kw_only=True):
    version: str = _field(default_factory=str)
    resources: list[APIResourceDiscovery] | None = None
    freshness: str = ""


class APIGroupDiscovery(ApiType, kw_only=True):
    metadata: ObjectMeta = _field(default_factory=ObjectMeta)
    versions: list[APIVersionDiscovery] | None = None


class APIGroupDiscoveryList(ListObject, kw_only=True):
    items: list[APIGroupDiscovery] = _field(default_factory=list)
