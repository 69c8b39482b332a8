"""Pods may demand to be apart by node only: larger topologies would keep others off whole zones."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core.node_labels import HOSTNAME
from steersman.kinds.types.core_v1 import Pod


async def validate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    affinity = pod.spec.affinity
    if affinity is None or affinity.podAntiAffinity is None:
        return
    for term in affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution or ():
        if term.topologyKey != HOSTNAME:
            raise Forbidden.of(
                review.resource,
                review.name,
                f"affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {term.topologyKey} but only key "
                f"{HOSTNAME} is allowed",
            )


ADMISSION = Admission(
    name="LimitPodHardAntiAffinityTopology",
    order=500,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    validate=validate,
)
