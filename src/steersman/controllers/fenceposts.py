"""How many pods a rolling update may have too many or too few."""

from __future__ import annotations

import math

from steersman.api.schema import IntOrString
from steersman.kinds.types.apps_v1 import Deployment, RollingUpdateDeployment

ROLLING = "RollingUpdate"


def scaled(value: IntOrString | None, total: int, *, up: bool) -> int:
    """A number, or a percentage of `total` rounded up or down. Raises ValueError for a malformed percentage."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        raise ValueError(f"invalid value {value!r}: neither a number nor a percentage")
    part = int(value[:-1]) * total / 100
    return math.ceil(part) if up else math.floor(part)


def fenceposts(surge: IntOrString | None, unavailable: IntOrString | None, desired: int) -> tuple[int, int]:
    """(surge, unavailable) as numbers; both zero would stand still, so one may be unavailable then."""
    found = scaled(surge, desired, up=True), scaled(unavailable, desired, up=False)
    return (0, 1) if found == (0, 0) else found


def is_rolling(deployment: Deployment) -> bool:
    strategy = deployment.spec.strategy
    return strategy is None or strategy.type in ("", ROLLING)


def max_surge(deployment: Deployment) -> int:
    """How many pods beyond the desired number there may be."""
    if not is_rolling(deployment):
        return 0
    update = _rolling(deployment)
    return fenceposts(update.maxSurge, update.maxUnavailable, deployment.spec.replicas or 0)[0]


def max_unavailable(deployment: Deployment) -> int:
    """How many pods of the desired number may be missing."""
    desired = deployment.spec.replicas or 0
    if not is_rolling(deployment) or desired == 0:
        return 0
    update = _rolling(deployment)
    return min(fenceposts(update.maxSurge, update.maxUnavailable, desired)[1], desired)


def _rolling(deployment: Deployment) -> RollingUpdateDeployment:
    strategy = deployment.spec.strategy
    found = strategy.rollingUpdate if strategy is not None else None
    return found or RollingUpdateDeployment(maxSurge="25%", maxUnavailable="25%")
