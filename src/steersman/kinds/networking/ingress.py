"""Ingress: HTTP routes to Services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import Ingress

KIND: Kind[Ingress] = Kind(
    resource=Resource("networking.k8s.io", "v1", "ingresses", "Ingress", True),
    short_names=("ing",),
    subresources=frozenset({"status"}),
    generation=True,
)
