"""Claims, volumes and their attributes stay until nobody uses them: controllers take the finalizer away then."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review

_FINALIZERS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
    "volumeattributesclasses": "kubernetes.io/vac-protection",
}


async def mutate(review: Review, environment: Environment) -> None:
    meta, finalizer = review.object.metadata, _FINALIZERS[review.resource.plural]
    if finalizer not in (meta.finalizers or ()):
        meta.finalizers = [*(meta.finalizers or ()), finalizer]


ADMISSION = Admission(
    name="StorageObjectInUseProtection",
    order=2_000,
    interests=(
        Interest(frozenset({CREATE}), "persistentvolumeclaims"),
        Interest(frozenset({CREATE}), "persistentvolumes"),
        Interest(frozenset({CREATE}), "volumeattributesclasses", "storage.k8s.io"),
    ),
    mutate=mutate,
)
