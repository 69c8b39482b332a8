"""EvictionRequest: asks for the eviction of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.lifecycle_v1alpha1 import EvictionRequest

KIND: Kind[EvictionRequest] = Kind(
    resource=Resource("lifecycle.k8s.io", "v1alpha1", "evictionrequests", "EvictionRequest", True),
    subresources=frozenset({"status"}),
    served_by_default=False,
    generation=True,
)
