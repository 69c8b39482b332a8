"""Eviction: removes a pod if disruption budgets allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.policy_v1 import Eviction

KIND: Kind[Eviction] = Kind(
    resource=Resource("policy", "v1", "evictions", "Eviction", True),
    stored=False,
    verbs=(),
)
