"""Secret: confidential data that pods read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.core import data_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Secret


def _row(obj: Secret, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.type, len(obj.data or ()), created(obj, now)]


KIND: Kind[Secret] = Kind(
    resource=Resource("", "v1", "secrets", "Secret", True),
    columns=(NAME, Column("Type"), Column("Data", "integer"), AGE),
    row=_row,
    selectable=lambda obj: {"type": obj.type},
    default=data_rules.default_secret,
    check_new=data_rules.check_secret,
    check_update=data_rules.check_secret_update,
    warnings=data_rules.secret_warnings,
)
