"""APIService: an API group version and the server that serves it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import condition, created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiregistration_v1 import APIService


def _row(obj: APIService, now: datetime) -> list[Any]:
    service = obj.spec.service
    return [
        obj.metadata.name,
        f"{service.namespace}/{service.name}" if service else "Local",
        _available(obj),
        created(obj, now),
    ]


def _available(obj: APIService) -> str:
    found = condition(obj, "Available")
    if found is None:
        return "Unknown"
    return str(found.status) if found.status == "True" else f"{found.status} ({found.reason})"


def _default(obj: APIService) -> None:
    if obj.spec.service and obj.spec.service.port is None:
        obj.spec.service.port = 443


KIND: Kind[APIService] = Kind(
    resource=Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", False),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    allow_unconditional_update=False,
    columns=(NAME, Column("Service"), Column("Available"), AGE),
    row=_row,
    default=_default,
)
