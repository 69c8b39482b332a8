"""Disruption budgets as policy/v1beta1 knew them: an empty selector selected nothing, where today it selects everything."""

from __future__ import annotations

from typing import Any

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, older

# A label that nobody has tells the two meanings of the empty selector apart.
_LABEL = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"


def _expression(operator: str) -> Plain:
    return {"matchExpressions": [{"key": _LABEL, "operator": operator}]}


def _is(selector: Any, operator: str) -> bool:
    return (
        isinstance(selector, dict)
        and not selector.get("matchLabels")
        and {k: v for k, v in selector.items() if k != "matchLabels"} == _expression(operator)
    )


def to_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    selector = spec.get("selector")
    if selector is None:
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        spec["selector"] = _expression("Exists")
    elif _is(selector, "DoesNotExist"):
        spec["selector"] = {}
    elif selector.get("matchExpressions"):
        # The label is no one's to ask for besides.
        selector["matchExpressions"] = [e for e in selector["matchExpressions"] if e.get("key") != _LABEL]


def from_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    selector = spec.get("selector")
    if selector is None:
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        spec["selector"] = _expression("DoesNotExist")
    elif _is(selector, "Exists"):
        spec["selector"] = {}


POD_DISRUPTION_BUDGET = (
    older(
        Resource("policy", "v1beta1", "poddisruptionbudgets", "PodDisruptionBudget", True),
        "1.21",
        "1.25",
        to_stored=to_stored,
        from_stored=from_stored,
    ),
)
