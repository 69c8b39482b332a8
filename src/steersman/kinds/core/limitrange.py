"""LimitRange: defaults and bounds of resources in a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.columns import NAME_AND_CREATED_AT, name_and_created_at
from steersman.kinds.core import quota_rules
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import LimitRange


def _default(obj: LimitRange) -> None:
    """A container's default limit is the maximum, its default request the default limit, or the minimum."""
    for item in obj.spec.limits:
        if item.type == "Container":
            item.default = {**(item.max or {}), **(item.default or {})} or None
            item.defaultRequest = {**(item.min or {}), **(item.default or {}), **(item.defaultRequest or {})} or None


KIND: Kind[LimitRange] = Kind(
    resource=Resource("", "v1", "limitranges", "LimitRange", True),
    short_names=("limits",),
    allow_create_on_update=True,
    columns=NAME_AND_CREATED_AT,
    row=name_and_created_at,
    default=_default,
    check=quota_rules.check_limit_range,
)
