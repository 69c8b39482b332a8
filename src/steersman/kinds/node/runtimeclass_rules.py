"""Validation of RuntimeClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.node_label_warnings import DEPRECATED
from steersman.kinds.core.resource_validation import check_limits
from steersman.kinds.core.scheduling_validation import check_tolerations
from steersman.kinds.metadata import validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Toleration
    from steersman.kinds.types.node_v1 import RuntimeClass


def check(obj: RuntimeClass) -> Errors:
    at = Path("handler")
    errors = (
        field.all_invalid(at, obj.handler, names.dns1123_label(obj.handler)) if obj.handler else [field.required(at)]
    )
    if obj.overhead is not None:
        errors += check_limits(obj.overhead.podFixed, Path("overhead"))
    if obj.scheduling is not None:
        at = Path("scheduling")
        errors += validate_labels(obj.scheduling.nodeSelector, at.child("nodeSelector"))
        errors += check_tolerations(obj.scheduling.tolerations or [], at.child("tolerations"))
        errors += _check_unique(obj.scheduling.tolerations or [], at.child("tolerations"))
    return errors


def _check_unique(tolerations: list[Toleration], path: Path) -> Errors:
    errors: Errors = []
    seen: set[tuple[str, ...]] = set()
    for i, toleration in enumerate(tolerations):
        key = (toleration.key, toleration.operator, toleration.value, toleration.effect)
        if key in seen:
            shown = field.Internal(zip(("Key", "Operator", "Value", "Effect"), key, strict=True))
            shown["TolerationSeconds"] = toleration.tolerationSeconds
            errors.append(field.duplicate(path.index(i), shown))
        seen.add(key)
    return errors


def check_update(obj: RuntimeClass, old: RuntimeClass) -> Errors:
    return field.immutable(Path("handler"), obj.handler, old.handler)


def warnings(obj: RuntimeClass) -> list[str]:
    """Labels by which nobody selects nodes any more."""
    selector = (obj.scheduling.nodeSelector if obj.scheduling is not None else None) or {}
    return [f"scheduling.nodeSelector: {DEPRECATED[label]}" for label in selector if label in DEPRECATED]
