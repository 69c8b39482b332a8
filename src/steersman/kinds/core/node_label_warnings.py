"""Warnings of labels of nodes that are not used any more, wherever nodes are selected by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from steersman.api import names
from steersman.api.field import Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import NodeSelectorTerm

DEPRECATED: Final = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}
"""Labels, and what is said of them."""


def of_term(term: NodeSelectorTerm, path: Path, *, values: bool = False) -> Iterator[str]:
    """The warnings of a term of a node selector; `values` says whether values that no label can have are told of."""
    for i, expression in enumerate(term.matchExpressions or ()):
        at = path.child("matchExpressions").index(i)
        if expression.key in DEPRECATED:
            yield f"{at.child('key')}: {expression.key} is {DEPRECATED[expression.key]}"
        if values:
            for j, value in enumerate(expression.values or ()):
                for wrong in names.label_value(value):
                    yield f"{at.child('values').index(j)}: {value} is invalid, {wrong}"
