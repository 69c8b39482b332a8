"""An Ingress that names no class gets the default one, if there is one."""

from __future__ import annotations

from steersman.apiserver.admission.default_class import default_of
from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.types.networking_v1 import Ingress, IngressClass

# How a class was named before the field was there.
_CLASS = "kubernetes.io/ingress.class"
_IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


async def mutate(review: Review, environment: Environment) -> None:
    ingress: Ingress = review.object
    if ingress.spec.ingressClassName is not None or _CLASS in (ingress.metadata.annotations or {}):
        return
    found = default_of(environment.reader.list(IngressClass), _IS_DEFAULT)
    if found is not None:
        ingress.spec.ingressClassName = found.metadata.name


ADMISSION = Admission(
    name="DefaultIngressClass",
    order=2_900,
    interests=(Interest(frozenset({CREATE}), "ingresses", "networking.k8s.io"),),
    mutate=mutate,
)
