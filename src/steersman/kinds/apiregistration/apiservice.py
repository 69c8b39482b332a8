"""APIService: an API group version and the server that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiregistration_v1 import APIService

KIND: Kind[APIService] = Kind(
    resource=Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", False),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    allow_unconditional_update=False,
)
