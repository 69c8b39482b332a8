"""A pod that says nothing about broken nodes stays on one for five minutes before it is evicted."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Pod, Toleration

_SECONDS = 300
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


async def mutate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    tolerations = pod.spec.tolerations or []
    missing = [t for t in _TAINTS if not any(_covers(toleration, t) for toleration in tolerations)]
    if missing:
        pod.spec.tolerations = [
            *tolerations,
            *(Toleration(key=t, operator="Exists", effect="NoExecute", tolerationSeconds=_SECONDS) for t in missing),
        ]


def _covers(toleration: Toleration, taint: str) -> bool:
    return (not toleration.key or toleration.key == taint) and toleration.effect in ("", "NoExecute")


ADMISSION = Admission(
    name="DefaultTolerationSeconds",
    order=1_500,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    mutate=mutate,
)
