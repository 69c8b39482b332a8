"""ConfigMap: configuration that pods read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.core import data_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ConfigMap


def _row(obj: ConfigMap, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.data or ()) + len(obj.binaryData or ()), created(obj, now)]


KIND: Kind[ConfigMap] = Kind(
    resource=Resource("", "v1", "configmaps", "ConfigMap", True),
    short_names=("cm",),
    columns=(NAME, Column("Data", "integer"), AGE),
    row=_row,
    check_new=data_rules.check_config_map,
    check_update=data_rules.check_config_map_update,
)
