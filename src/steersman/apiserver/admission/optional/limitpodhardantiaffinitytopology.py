"""Pods may demand to be apart by node only: larger topologies would keep others off whole zones."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Pod

_HOSTNAME = "kubernetes.io/hostname"


async def validate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    affinity = pod.spec.affinity
    if affinity is None or affinity.podAntiAffinity is None:
        return
    for term in affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution or ():
        if term.topologyKey != _HOSTNAME:
            raise Forbidden.of(
                review.resource,
                review.name,
                f"affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {term.topologyKey} but only key "
                f"{_HOSTNAME} is allowed",
            )


ADMISSION = Admission(
    name="LimitPodHardAntiAffinityTopology",
    order=500,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    validate=validate,
)
