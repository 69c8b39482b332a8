"""Eviction: the course of an eviction of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.lifecycle_v1alpha1 import Eviction

KIND: Kind[Eviction] = Kind(
    resource=Resource("lifecycle.k8s.io", "v1alpha1", "evictions", "Eviction", True),
    subresources=frozenset({"status"}),
    served_by_default=False,
    generation=True,
)
