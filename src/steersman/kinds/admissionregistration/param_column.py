"""The parameters of a binding as a table shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.kinds.columns import UNSET

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import ParamRef
    from steersman.kinds.types.meta_v1 import LabelSelector


def shown(ref: ParamRef | None) -> str:
    """`namespace/name`, or the selector as Go writes it."""
    if ref is None:
        return UNSET
    if ref.name:
        # Whether the parameter lies in a namespace at all cannot be told from here.
        return f"{ref.namespace or '*'}/{ref.name}"
    return UNSET if ref.selector is None else _selector(ref.selector)


def _selector(selector: LabelSelector) -> str:
    labels = "".join(f"{k}: {v}," for k, v in sorted((selector.matchLabels or {}).items()))
    requirements = "".join(
        f"LabelSelectorRequirement{{Key:{r.key},Operator:{r.operator},Values:[{' '.join(r.values or ())}],}},"
        for r in selector.matchExpressions or ()
    )
    expressions = f"[]LabelSelectorRequirement{{{requirements}}}"
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:{expressions},}}"
