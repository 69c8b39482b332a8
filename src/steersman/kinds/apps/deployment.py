"""Deployment: pods that are replaced gradually when their template changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import Deployment

KIND: Kind[Deployment] = Kind(
    resource=Resource("apps", "v1", "deployments", "Deployment", True),
    short_names=("deploy",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
)
