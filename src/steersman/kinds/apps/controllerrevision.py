"""ControllerRevision: a past state of a controller's template."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.api.meta import Resource
from steersman.kinds.apps import older_versions
from steersman.kinds.columns import NONE, created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import ControllerRevision


def _row(obj: ControllerRevision, now: datetime) -> list[Any]:
    return [obj.metadata.name, _controller(obj), obj.revision, created(obj, now)]


def _controller(obj: ControllerRevision) -> str:
    for owner in obj.metadata.ownerReferences or ():
        if owner.controller:
            group = owner.apiVersion.rpartition("/")[0]
            return f"{owner.kind.lower()}.{group}/{owner.name}" if group else f"{owner.kind.lower()}/{owner.name}"
    return NONE


def _check(obj: ControllerRevision) -> Errors:
    return field.not_negative(Path("revision"), obj.revision)


def _check_new(obj: ControllerRevision) -> Errors:
    if isinstance(obj.data, dict):
        return []
    why = "data is mandatory" if obj.data is None else "data must be a valid JSON object"
    return [field.required(Path("data"), why)]


def _check_update(obj: ControllerRevision, old: ControllerRevision) -> Errors:
    return field.immutable(Path("data"), obj.data, old.data)


KIND: Kind[ControllerRevision] = Kind(
    resource=Resource("apps", "v1", "controllerrevisions", "ControllerRevision", True),
    versions=older_versions.CONTROLLER_REVISION,
    columns=(NAME, Column("Controller"), Column("Revision", "integer"), AGE),
    row=_row,
    check=_check,
    check_new=_check_new,
    check_update=_check_update,
)
