"""Validation of CSIStorageCapacities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.core.node_label_warnings import DEPRECATED

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSIStorageCapacity


def check(obj: CSIStorageCapacity) -> Errors:
    errors = label_selector.check(obj.nodeTopology, Path("nodeTopology"))
    name = obj.storageClassName
    errors += field.all_invalid(Path("storageClassName"), name, names.dns1123_subdomain(name))
    if obj.capacity is not None and quantity.nano(obj.capacity) < 0:
        errors.append(field.invalid(Path("capacity"), obj.capacity, field.NOT_NEGATIVE))
    return errors


def check_update(obj: CSIStorageCapacity, old: CSIStorageCapacity) -> Errors:
    errors = field.immutable(Path("nodeTopology"), obj.nodeTopology, old.nodeTopology)
    return errors + field.immutable(Path("storageClassName"), obj.storageClassName, old.storageClassName)


def warnings(obj: CSIStorageCapacity) -> list[str]:
    """Labels by which nobody selects nodes any more."""
    topology, at = obj.nodeTopology, Path("nodeTopology")
    if topology is None:
        return []
    found = [
        f"{at.child('matchExpressions').index(i).child('key')}: {expression.key} is {DEPRECATED[expression.key]}"
        for i, expression in enumerate(topology.matchExpressions or ())
        if expression.key in DEPRECATED
    ]
    labels = (label for label in topology.matchLabels or () if label in DEPRECATED)
    return found + [f"{at.child('matchLabels').child(label)}: {DEPRECATED[label]}" for label in labels]
