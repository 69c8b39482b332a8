"""A pod that says nothing about broken nodes stays on one for a while before it is evicted: five minutes, if not said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from msgspec import Struct

from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.kinds.core.node_taints import NOT_READY, UNREACHABLE
from steersman.kinds.types.core_v1 import Pod, Toleration

_SECONDS = 300


class Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    """Seconds. These come from the server's settings, not from a file."""

    notReady: int = _SECONDS
    unreachable: int = _SECONDS


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    if given is None:
        return ADMISSION
    settings = given.bare(Settings)
    seconds = {NOT_READY: settings.notReady, UNREACHABLE: settings.unreachable}
    return replace(ADMISSION, mutate=partial(mutate, seconds))


async def mutate(seconds: Mapping[str, int], review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    tolerations = pod.spec.tolerations or []
    missing = [t for t in seconds if not any(_covers(toleration, t) for toleration in tolerations)]
    if missing:
        pod.spec.tolerations = [
            *tolerations,
            *(Toleration(key=t, operator="Exists", effect="NoExecute", tolerationSeconds=seconds[t]) for t in missing),
        ]


def _covers(toleration: Toleration, taint: str) -> bool:
    return (not toleration.key or toleration.key == taint) and toleration.effect in ("", "NoExecute")


ADMISSION = Admission(
    name="DefaultTolerationSeconds",
    order=1_500,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    mutate=partial(mutate, {NOT_READY: _SECONDS, UNREACHABLE: _SECONDS}),
    configure=configure,
)
