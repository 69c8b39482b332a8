"""The objects of a write as those outside the registry see them before it is stored, and as they may leave them."""

from __future__ import annotations

from typing import Any

from steersman.api import codec
from steersman.api.fieldset import FieldSetError
from steersman.apiserver import managedfields
from steersman.apiserver.admission.framework import CREATE, UPDATE, Review
from steersman.apiserver.webhook.shapes import Shape

_STALE = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
    "admission controller; please fix your requests: "
)


async def shown(review: Review, shape: Shape) -> tuple[Any, Any]:
    """The values of the new object and of the old one; None for none."""
    new, old = review.object, review.old
    new = None if new is None else await shape.plain(new)
    if new is not None and review.operation == CREATE and "metadata" in new:
        # These are given to what is stored, after everybody has been asked.
        new["metadata"] = {**new["metadata"], "creationTimestamp": None}
        new["metadata"].pop("uid", None)
    return new, None if old is None else await shape.plain(old)


def replace(review: Review, new: Any) -> None:
    """Make `new` the object of the review. What only the server gives to an object stays as it was."""
    meta, old = getattr(new, "metadata", None), getattr(review.object, "metadata", None)
    if meta is not None and old is not None and review.operation in (CREATE, UPDATE):
        meta.uid, meta.creationTimestamp = old.uid, old.creationTimestamp
        meta.deletionTimestamp, meta.generation = old.deletionTimestamp, old.generation
        if meta.managedFields != old.managedFields:
            try:
                meta.managedFields = managedfields.checked(meta.managedFields or ()) or None
            except FieldSetError as error:
                meta.managedFields = old.managedFields
                review.warnings.append(f"{_STALE}{error}")
    review.object = new


def encoded(obj: Any) -> bytes:
    """The object's bytes, to tell whether it has changed."""
    return b"" if obj is None else codec.encode(obj)
