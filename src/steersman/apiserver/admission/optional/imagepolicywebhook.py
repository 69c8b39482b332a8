"""A webhook of the cluster's operator says which images may run; its answers are remembered for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from steersman.api import codec
from steersman.api.configuration import ConfigurationError
from steersman.api.errors import Forbidden
from steersman.api.recent import Digest
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.apiserver.webhook import kubeconfig
from steersman.apiserver.webhook.answers import Answers
from steersman.apiserver.webhook.asking import Connection, Repeats, Unanswered, ask
from steersman.apiserver.webhook.kubeconfig import Remote
from steersman.kinds.types.core_v1 import Pod

_API_VERSION, _KIND = "imagepolicy.k8s.io/v1alpha1", "ImageReview"
_OURS = ".image-policy.k8s.io/"
_AUDIT = "imagepolicywebhook.image-policy.k8s.io/"
_FAILED_OPEN = "alpha.image-policy.k8s.io/failed-open"
_ANSWERS = 1024

_log = logging.getLogger(__name__)


class _Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    kubeConfigFile: str = ""
    allowTTL: int = 0
    denyTTL: int = 0
    retryBackoff: int = 0
    defaultAllow: bool = False


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    imagePolicy: _Settings | None = None


class _Verdict(Struct, kw_only=True):
    allowed: bool = False
    reason: str = ""
    auditAnnotations: dict[str, str] | None = None


class _Answer(Struct, kw_only=True):
    status: _Verdict = msgspec.field(default_factory=_Verdict)


@dataclass(slots=True)
class Policy:
    """The webhook. Times in seconds: how long a yes and a no are remembered, and the first pause before asking again."""

    remote: Remote
    allow: float
    deny: float
    backoff: float
    default: bool
    key: Digest = field(default_factory=Digest)
    answers: Answers[_Verdict] | None = None
    """From the first question on."""


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    settings = given.bare(_Configuration).imagePolicy if given is not None else None
    if given is None or settings is None or not settings.kubeConfigFile:
        where = given.where if given is not None else ADMISSION.name
        raise ConfigurationError(f"{where}: imagePolicy.kubeConfigFile: Required value")
    policy = Policy(
        kubeconfig.read(given.base / settings.kubeConfigFile),
        _duration(given, "allowTTL", settings.allowTTL, 1.0, (300.0, 1.0, 1800.0), stops=True),
        _duration(given, "denyTTL", settings.denyTTL, 1.0, (30.0, 1.0, 1800.0), stops=True),
        _duration(given, "retryBackoff", settings.retryBackoff, 0.001, (0.5, 0.001, 300.0)),
        settings.defaultAllow,
    )
    return replace(ADMISSION, validate=partial(validate, policy))


def _duration(
    given: Given, name: str, number: int, unit: float, bounds: tuple[float, float, float], *, stops: bool = False
) -> float:
    """Seconds; 0 is the default, and -1 means that nothing is remembered, if `stops`. Raises ConfigurationError."""
    default, least, most = bounds
    if number == 0:
        return default
    if number == -1 and stops:
        return 0.0
    if not least <= number * unit <= most:
        raise ConfigurationError(
            f"{given.where}: imagePolicy.{name}: Invalid value: {number}: must be between {least / unit:g} and {most / unit:g}"
        )
    return number * unit


async def validate(policy: Policy, review: Review, environment: Environment) -> None:
    spec = _question(review)
    try:
        verdict = await _verdict(policy, spec, environment)
    except Unanswered as error:
        _unanswered(policy, review, error)
        return
    for name, value in (verdict.auditAnnotations or {}).items():
        review.annotations[f"{_AUDIT}{name}"] = value
    if verdict.allowed:
        return
    why = "one or more images rejected by webhook backend"
    if verdict.reason:
        why = f"image policy webhook backend denied one or more images: {verdict.reason}"
    raise Forbidden.of(review.resource, review.name, why)


def _question(review: Review) -> dict[str, Any]:
    pod: Pod = review.object
    containers: Iterable[Any] = (*pod.spec.containers, *(pod.spec.initContainers or ()))
    if review.subresource:
        containers = pod.spec.ephemeralContainers or ()
    annotations = {name: value for name, value in (pod.metadata.annotations or {}).items() if _OURS in name}
    spec: dict[str, Any] = {"containers": [{"image": c.image} if c.image else {} for c in containers]}
    if annotations:
        spec["annotations"] = annotations
    return {**spec, "namespace": review.namespace}


def _unanswered(policy: Policy, review: Review, error: Unanswered) -> None:
    """As configured for when nobody says. Raises Forbidden."""
    if not policy.default:
        raise Forbidden.of(review.resource, review.name, str(error)) from error
    _log.warning("an image policy webhook did not answer, and pods are admitted all the same: %s", error)
    review.annotations[f"{_AUDIT}failed-open"] = "true"
    meta = review.object.metadata
    meta.annotations = {**(meta.annotations or {}), _FAILED_OPEN: "true"}


async def _verdict(policy: Policy, spec: dict[str, Any], environment: Environment) -> _Verdict:
    """Raises Unanswered."""
    if policy.answers is None:
        policy.answers = Answers(environment.clock, _ANSWERS)
    asked = policy.key(codec.encode(spec))
    known = policy.answers.get(asked)
    return known if known is not None else await policy.answers.ask(asked, partial(_ask, policy, spec, environment))


async def _ask(policy: Policy, spec: dict[str, Any], environment: Environment) -> tuple[_Verdict, float]:
    """Raises Unanswered."""
    if environment.backends is None:
        raise Unanswered("there are no connections")
    post = Connection(policy.remote, environment.backends)
    body = codec.encode({"kind": _KIND, "apiVersion": _API_VERSION, "spec": spec})
    data = await ask(post, body, environment.clock, Repeats(pause=policy.backoff))
    try:
        verdict = msgspec.json.decode(data, type=_Answer).status
    except msgspec.DecodeError as error:
        raise Unanswered(f"{policy.remote.url}: {error}") from error
    return verdict, policy.allow if verdict.allowed else policy.deny


ADMISSION = Admission(
    name="ImagePolicyWebhook",
    order=1_100,
    interests=(
        Interest(frozenset({CREATE, UPDATE}), "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="ephemeralcontainers"),
    ),
    configure=configure,
)
