"""The quality of service class that a pod's requests and limits give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import quantity

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodSpec, ResourceRequirements

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COUNTED = ("cpu", "memory")


def qos_class(spec: PodSpec) -> str:
    """Guaranteed when everything is limited to what it requests, BestEffort when nothing is asked, else Burstable."""
    if spec.resources is not None:
        everything: list[ResourceRequirements | None] = [spec.resources]
    else:
        everything = [c.resources for c in (*spec.containers, *(spec.initContainers or ()))]
    requests = [_amounts(r, "requests") for r in everything]
    limits = [_amounts(r, "limits") for r in everything]
    if not any(requests) and not any(limits):
        return BEST_EFFORT
    guaranteed = all(len(limit) == len(_COUNTED) for limit in limits) and _totals(requests) == _totals(limits)
    return GUARANTEED if guaranteed else BURSTABLE


def _amounts(resources: ResourceRequirements | None, kind: str) -> dict[str, int]:
    """The counted resources with more than nothing, in billionths."""
    given: dict[str, Any] = (getattr(resources, kind) if resources is not None else None) or {}
    amounts = {name: quantity.nano(given[name]) for name in _COUNTED if name in given}
    return {name: amount for name, amount in amounts.items() if amount > 0}


def _totals(parts: list[dict[str, int]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for part in parts:
        for name, amount in part.items():
            out[name] = out.get(name, 0) + amount
    return out
