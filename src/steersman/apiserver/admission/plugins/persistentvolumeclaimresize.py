"""A claim grows only when it is bound and its StorageClass allows volumes to grow."""

from __future__ import annotations

from steersman.api import quantity
from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core.claim_class import class_of
from steersman.kinds.types.core_v1 import PersistentVolumeClaim
from steersman.kinds.types.storage_v1 import StorageClass


async def validate(review: Review, environment: Environment) -> None:
    new: PersistentVolumeClaim = review.object
    old: PersistentVolumeClaim = review.old
    if quantity.compare(_size(new), _size(old)) <= 0:
        return
    if old.status.phase != "Bound":
        raise Forbidden.of(review.resource, review.name, "Only bound persistent volume claims can be expanded")
    name = class_of(new)
    found = environment.reader.get(StorageClass, "", name) if name and name == class_of(old) else None
    if found is None or not found.allowVolumeExpansion:
        raise Forbidden.of(
            review.resource,
            review.name,
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support "
            "resize",
        )


def _size(claim: PersistentVolumeClaim) -> quantity.Quantity:
    resources = claim.spec.resources
    return (resources.requests or {}).get("storage", "0") if resources is not None else "0"


ADMISSION = Admission(
    name="PersistentVolumeClaimResize",
    order=2_300,
    interests=(Interest(frozenset({UPDATE}), "persistentvolumeclaims"),),
    validate=validate,
)
