"""Whether a write only lets an object be deleted in the end: whoever cleans up needs no right to what the object says."""

from __future__ import annotations

from typing import Any

_FIELDS = ("ownerReferences", "finalizers", "managedFields", "resourceVersion", "selfLink")


def only_for_garbage_collection(new: Any, old: Any) -> bool:
    """Whether a write changes nothing but what lets an object be deleted in the end."""
    if old is None:
        return False
    if any(getattr(new, name) != getattr(old, name) for name in new.__struct_fields__ if name != "metadata"):
        return False
    now, before = new.metadata, old.metadata
    return all(getattr(now, name) == getattr(before, name) for name in now.__struct_fields__ if name not in _FIELDS)
