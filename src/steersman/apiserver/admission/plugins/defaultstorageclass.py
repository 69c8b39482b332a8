"""A claim that names no StorageClass gets the default one, if there is one."""

from __future__ import annotations

from steersman.apiserver.admission.default_class import default_of
from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.core import claim_class
from steersman.kinds.types.core_v1 import PersistentVolumeClaim
from steersman.kinds.types.storage_v1 import StorageClass

_IS_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


async def mutate(review: Review, environment: Environment) -> None:
    claim: PersistentVolumeClaim = review.object
    # An empty name asks for no class at all.
    if claim.spec.storageClassName is not None or claim_class.ANNOTATION in (claim.metadata.annotations or {}):
        return
    found = default_of(environment.reader.list(StorageClass), *_IS_DEFAULT)
    if found is not None:
        claim.spec.storageClassName = found.metadata.name


ADMISSION = Admission(
    name="DefaultStorageClass",
    order=1_900,
    interests=(Interest(frozenset({CREATE}), "persistentvolumeclaims"),),
    mutate=mutate,
)
