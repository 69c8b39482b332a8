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


_ONLY_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"
_DEPRECATED = f"metadata.annotations[{_ONLY_MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"


def _warnings(obj: ServiceAccount) -> list[str]:
    return [_DEPRECATED] if _ONLY_MOUNTABLE in (obj.metadata.annotations or ()) else []


def _update_warnings(obj: ServiceAccount, old: ServiceAccount) -> list[str]:
    """Who has been told once is not told with every change."""
    return [] if _warnings(old) else _warnings(obj)


KIND: Kind[ServiceAccount] = Kind(
    resource=Resource("", "v1", "serviceaccounts", "ServiceAccount", True),
    short_names=("sa",),
    subresources=frozenset({"token"}),
    columns=(NAME, Column("Secrets", "integer"), AGE),
    row=_row,
    warnings=_warnings,
    update_warnings=_update_warnings,
)
