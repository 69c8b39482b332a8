"""IngressClass: which controller serves an Ingress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IngressClass

KIND: Kind[IngressClass] = Kind(
    resource=Resource("networking.k8s.io", "v1", "ingressclasses", "IngressClass", False),
    generation=True,
)
