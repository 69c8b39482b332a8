"""TokenRequest: a new token of a ServiceAccount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.authentication_v1 import TokenRequest

KIND: Kind[TokenRequest] = Kind(
    resource=Resource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest", True),
    stored=False,
    verbs=(),
)
