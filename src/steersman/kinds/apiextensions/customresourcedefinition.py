"""CustomResourceDefinition: a kind that users add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.columns import NAME_AND_CREATED_AT, name_and_created_at
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition


def _default(obj: CustomResourceDefinition) -> None:
    from steersman.kinds.types.apiextensions_v1 import CustomResourceConversion

    names = obj.spec.names
    names.singular = names.singular or names.kind.lower()
    names.listKind = names.listKind or (names.kind and names.kind + "List")
    obj.spec.conversion = obj.spec.conversion or CustomResourceConversion(strategy="None")
    webhook = obj.spec.conversion.webhook
    service = webhook.clientConfig.service if webhook and webhook.clientConfig else None
    if service is not None and service.port is None:
        service.port = 443


KIND: Kind[CustomResourceDefinition] = Kind(
    resource=Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False),
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
    columns=NAME_AND_CREATED_AT,
    row=name_and_created_at,
    default=_default,
)
