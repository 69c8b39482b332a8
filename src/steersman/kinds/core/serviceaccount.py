"""ServiceAccount: an identity for pods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ServiceAccount


def _row(obj: ServiceAccount, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.secrets or ()), created(obj, now)]


KIND: Kind[ServiceAccount] = Kind(
    resource=Resource("", "v1", "serviceaccounts", "ServiceAccount", True),
    short_names=("sa",),
    subresources=frozenset({"token"}),
    columns=(NAME, Column("Secrets", "integer"), AGE),
    row=_row,
)
