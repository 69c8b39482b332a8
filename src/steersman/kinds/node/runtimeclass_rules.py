"""Validation of RuntimeClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.resource_validation import check_limits
from steersman.kinds.core.scheduling_validation import check_tolerations
from steersman.kinds.metadata import validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.node_v1 import RuntimeClass


def check(obj: RuntimeClass) -> Errors:
    errors = field.all_invalid(Path("handler"), obj.handler, names.dns1123_label(obj.handler))
    if obj.overhead is not None:
        errors += check_limits(obj.overhead.podFixed, Path("overhead"))
    if obj.scheduling is not None:
        at = Path("scheduling")
        errors += validate_labels(obj.scheduling.nodeSelector, at.child("nodeSelector"))
        errors += check_tolerations(obj.scheduling.tolerations or [], at.child("tolerations"))
    return errors


def check_update(obj: RuntimeClass, old: RuntimeClass) -> Errors:
    return field.immutable(Path("handler"), obj.handler, old.handler)
