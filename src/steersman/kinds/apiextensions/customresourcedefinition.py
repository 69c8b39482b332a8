"""CustomResourceDefinition: a kind that users add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.columns import NAME_AND_CREATED_AT, name_and_created_at
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition

KIND: Kind[CustomResourceDefinition] = Kind(
    resource=Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False),
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
    columns=NAME_AND_CREATED_AT,
    row=name_and_created_at,
)
