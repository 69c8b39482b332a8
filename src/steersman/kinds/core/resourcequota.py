"""ResourceQuota: limits on what a namespace may use."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.core import quota_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ResourceQuota


def _row(obj: ResourceQuota, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        ", ".join(_used(obj, limits=False)),
        ", ".join(_used(obj, limits=True)),
        created(obj, now),
    ]


def _used(obj: ResourceQuota, *, limits: bool) -> list[str]:
    hard, used = obj.status.hard or {}, obj.status.used or {}
    return [
        f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard) if name.startswith("limits.") is limits
    ]


KIND: Kind[ResourceQuota] = Kind(
    resource=Resource("", "v1", "resourcequotas", "ResourceQuota", True),
    short_names=("quota",),
    subresources=frozenset({"status"}),
    columns=(NAME, Column("Request"), Column("Limit"), AGE),
    row=_row,
    check=quota_rules.check_quota,
    check_update=quota_rules.check_quota_update,
    check_status_update=quota_rules.check_quota_status_update,
    warnings=quota_rules.quota_warnings,
    update_warnings=lambda new, old: [],
)
