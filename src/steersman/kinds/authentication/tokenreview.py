"""TokenReview: checks a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import CREATE_ONLY, Kind, older

if TYPE_CHECKING:
    from steersman.kinds.types.authentication_v1 import TokenReview

KIND: Kind[TokenReview] = Kind(
    resource=Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", False),
    versions=(
        older(Resource("authentication.k8s.io", "v1beta1", "tokenreviews", "TokenReview", False), "1.19", "1.22"),
    ),
    stored=False,
    verbs=CREATE_ONLY,
)
