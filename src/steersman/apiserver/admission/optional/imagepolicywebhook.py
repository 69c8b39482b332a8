"""A webhook of the cluster's operator says which images may run; its answers are remembered for a while."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from steersman.api import codec
from steersman.api.configuration import ConfigurationError
from steersman.api.errors import Forbidden, StatusError
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.admission.given import Given
from steersman.apiserver.backend import read_limited
from steersman.apiserver.webhook import kubeconfig
from steersman.apiserver.webhook.kubeconfig import Remote
from steersman.kinds.types.core_v1 import Pod

_API_VERSION, _KIND = "imagepolicy.k8s.io/v1alpha1", "ImageReview"
_OURS = ".image-policy.k8s.io/"
_AUDIT = "imagepolicywebhook.image-policy.k8s.io/"
_FAILED_OPEN = "alpha.image-policy.k8s.io/failed-open"
_TIMEOUT = 30.0
_TRIES, _FACTOR, _JITTER = 5, 1.5, 0.2
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


class Unanswered(Exception):
    """The webhook does not say; the text says why."""


@dataclass(slots=True)
class Policy:
    """The webhook. Times in seconds: how long a yes and a no are remembered, and the first pause before asking again."""

    remote: Remote
    allow: float
    deny: float
    backoff: float
    default: bool
    answers: OrderedDict[bytes, tuple[float, _Verdict]] = field(default_factory=OrderedDict)

    def remembered(self, asked: bytes, now: float) -> _Verdict | None:
        known = self.answers.get(asked)
        return known[1] if known is not None and now < known[0] else None

    def remember(self, asked: bytes, verdict: _Verdict, now: float) -> None:
        seconds = self.allow if verdict.allowed else self.deny
        if seconds > 0:
            self.answers[asked] = now + seconds, verdict
            self.answers.move_to_end(asked)
            if len(self.answers) > _ANSWERS:
                self.answers.popitem(last=False)


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
    asked, now = codec.encode(spec), environment.clock.monotonic()
    verdict = policy.remembered(asked, now)
    if verdict is None:
        try:
            verdict = await _ask(policy, spec, environment)
        except Unanswered as error:
            _unanswered(policy, review, error)
            return
        policy.remember(asked, verdict, environment.clock.monotonic())
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
    containers: Iterable[Any] = (*(pod.spec.initContainers or ()), *pod.spec.containers)
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


async def _ask(policy: Policy, spec: dict[str, Any], environment: Environment) -> _Verdict:
    """Raises Unanswered."""
    body = codec.encode({"kind": _KIND, "apiVersion": _API_VERSION, "spec": spec})
    pause = policy.backoff
    for left in range(_TRIES - 1, -1, -1):
        status, data, why = await _post(policy.remote, body, environment)
        if 200 <= status < 300:
            try:
                return msgspec.json.decode(data, type=_Answer).status
            except msgspec.DecodeError as error:
                raise Unanswered(f"{policy.remote.url}: {error}") from error
        # What the webhook refuses it will refuse again.
        if not left or (status and status < 500 and status != 429):
            break
        await environment.clock.sleep(pause * (1 + random.random() * _JITTER))
        pause *= _FACTOR
    raise Unanswered(why or f"Error contacting webhook: {status}")


async def _post(remote: Remote, body: bytes, environment: Environment) -> tuple[int, bytes, str]:
    """The status (0 without an answer), the answer, and why there is none."""
    if environment.backends is None:
        return 0, b"", "there are no connections"
    try:
        async with asyncio.timeout(_TIMEOUT):
            answer = await environment.backends.send(
                remote.target, "POST", remote.path, remote.query, remote.headers(), body
            )
            return answer.status, await read_limited(answer.body), ""
    except (OSError, ssl.SSLError, TimeoutError, StatusError) as error:
        return 0, b"", f'Post "{remote.url}": {error or type(error).__name__}'


ADMISSION = Admission(
    name="ImagePolicyWebhook",
    order=1_100,
    interests=(
        Interest(frozenset({CREATE, UPDATE}), "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="ephemeralcontainers"),
    ),
    configure=configure,
)
