"""Warnings of the spec of a persistent volume claim, be it a claim's own, a pod's or a workload's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api import field, quantity
from steersman.api.field import Path
from steersman.kinds.core import claim_class

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolumeClaim, PersistentVolumeClaimSpec

_MILLI = 1000
_ANNOTATION = (
    f'metadata.annotations[{claim_class.ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead'
)


def of_claim(claim: PersistentVolumeClaim) -> list[str]:
    """The warnings of a claim itself."""
    annotated = claim_class.ANNOTATION in (claim.metadata.annotations or ())
    return [*([_ANNOTATION] if annotated else ()), *of_spec(claim.spec, Path("spec"))]


def of_spec(spec: PersistentVolumeClaimSpec, path: Path) -> Iterator[str]:
    """The warnings of the sizes that a claim asks for."""
    if spec.resources is None:
        return
    for kind in ("requests", "limits"):
        yield from fractions(getattr(spec.resources, kind), ("storage",), path.child("resources", kind))


def fractions(amounts: Mapping[str, Any] | None, names: tuple[str, ...], path: Path) -> Iterator[str]:
    """The warnings of amounts that are counted in bytes and have parts of one."""
    for name in names:
        amount = amounts.get(name) if amounts else None
        if amount is not None and quantity.milli(amount) % _MILLI:
            shown = field.quote(quantity.canonical(amount))
            yield f"{path.key(name)}: fractional byte value {shown} is invalid, must be an integer"
