"""PodDisruptionBudget: how many pods may be disrupted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.policy_v1 import PodDisruptionBudget

KIND: Kind[PodDisruptionBudget] = Kind(
    resource=Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True),
    short_names=("pdb",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
)
