"""APIService: an API group version and the server that serves it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.field import Errors
from steersman.api.meta import Resource
from steersman.kinds.columns import condition, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, older

if TYPE_CHECKING:
    from steersman.kinds.types.apiregistration_v1 import APIService

_HTTPS = 443


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
    if found.status == "True" or not found.reason:
        return str(found.status)
    return f"{found.status} ({found.reason})"


def _default(obj: APIService) -> None:
    if obj.spec.service and obj.spec.service.port is None:
        obj.spec.service.port = _HTTPS


# What these need is loaded when the first of them runs.


def _on_create(obj: APIService) -> None:
    from steersman.kinds.apiregistration import apiservice_rules

    apiservice_rules.on_create(obj)


def _on_status_update(obj: APIService, old: APIService) -> None:
    from steersman.kinds.apiregistration import apiservice_rules

    apiservice_rules.on_status_update(obj, old)


def _check(obj: APIService) -> Errors:
    from steersman.kinds.apiregistration import apiservice_rules

    return apiservice_rules.validate(obj)


def _check_status_update(obj: APIService, old: APIService) -> Errors:
    from steersman.kinds.apiregistration import apiservice_rules

    return apiservice_rules.validate_status(obj)


KIND: Kind[APIService] = Kind(
    resource=Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", False),
    versions=(
        older(Resource("apiregistration.k8s.io", "v1beta1", "apiservices", "APIService", False), "1.19", "1.22"),
    ),
    categories=("api-extensions",),
    subresources=frozenset({"status"}),
    # That of the core group ends with a dot: v1.
    name_rule=names.path_segment,
    allow_unconditional_update=False,
    columns=(
        NAME,
        Column("Service", description="The reference to the service that hosts this API endpoint."),
        Column("Available", description="Whether this service is available."),
        AGE,
    ),
    row=_row,
    default=_default,
    on_create=_on_create,
    on_status_update=_on_status_update,
    check=_check,
    check_status_update=_check_status_update,
)
