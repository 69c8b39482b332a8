"""The webhook authorizer: a server that is asked by SubjectAccessReview, and whose answers are remembered for a while."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import ssl
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from steersman.api import codec, labels
from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.api.http import User
from steersman.apiserver.authorizers import conditions
from steersman.apiserver.authorizers.settings import Webhook
from steersman.apiserver.authz import NO_OPINION, Attributes, Decision, Rules, Verdict
from steersman.apiserver.backend import Backends, read_limited
from steersman.apiserver.seldom import Seldom
from steersman.apiserver.webhook.client import reason_of
from steersman.apiserver.webhook.kubeconfig import Remote

VERSIONS = ("v1", "v1beta1")
_MOST = 1024 * 1024
_REMEMBERED = 8192
# What is asked about in more bytes than this is not remembered: whoever asks could fill the memory.
_LONGEST = 10_000
# How a question is repeated that may be answered another time.
_TRIES, _PAUSE, _FACTOR, _JITTER = 5, 0.5, 1.5, 0.2
_AGAIN = frozenset({429, 500, 504})
_BOTH = "webhook subject access review returned both allow and deny response"
_LABEL_OPERATORS = {
    labels.IN: "In", labels.EQUALS: "In", labels.DOUBLE_EQUALS: "In", labels.NOT_IN: "NotIn", labels.NOT_EQUALS: "NotIn",
    labels.EXISTS: "Exists", labels.DOES_NOT_EXIST: "DoesNotExist",
}  # fmt: skip
log = logging.getLogger(__name__)

Ask = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""Sends a review and tells status and body of the answer. Raises OSError, TimeoutError, StatusError."""


def asking(remote: Remote, backends: Backends, seconds: float) -> Ask:
    """Asks by HTTP."""

    async def ask(body: bytes) -> tuple[int, bytes]:
        async with asyncio.timeout(seconds):
            answer = await backends.send(remote.target, "POST", remote.path, remote.query, remote.headers(), body)
            return answer.status, await read_limited(answer.body, _MOST)

    return ask


class Failed(Exception):
    """The server has given no answer that can be used; the text says why."""


class _Status(msgspec.Struct):
    """What a review says; servers of other versions may say more than is known here."""

    allowed: bool = False
    denied: bool | None = None
    reason: str = ""
    evaluationError: str = ""


class WebhookAuthorizer:
    """Says what the server behind `ask` says."""

    waits = True

    def __init__(
        self, name: str, ask: Ask, clock: Clock, settings: Webhook, asked: Counter[tuple[str, str]] | None = None
    ) -> None:
        """`asked` counts what became of each call, by its name and result."""
        self.name = name
        self._counted: Counter[tuple[str, str]] = Counter() if asked is None else asked
        self._ask, self._clock, self._settings = ask, clock, settings
        self._known: OrderedDict[bytes, tuple[float, Decision]] = OrderedDict()
        self._seldom = Seldom(clock)

    def decide(self, attributes: Attributes) -> Decision | None:
        spec = spec_of(attributes)
        if self._settings.conditions:
            try:
                if not conditions.hold(self._settings.conditions, spec):
                    return NO_OPINION
            except conditions.Undecided as error:
                return self._failed(str(error))
        known = self._known.get(codec.encode(spec))
        return known[1] if known is not None and known[0] > self._clock.monotonic() else None

    async def ask(self, attributes: Attributes) -> Decision:
        spec = spec_of(attributes)
        try:
            decision = _decision(await self._review(spec))
        except Failed as error:
            if count := self._seldom.count():
                log.error("authorizer %s: failed to make %d webhook authorizer requests: %s", self.name, count, error)
            return self._failed(str(error))
        ttl = self._settings.allowed_ttl if decision.allowed else self._settings.refused_ttl
        key = codec.encode(spec)
        if ttl > 0 and _size(attributes) < _LONGEST:
            self._known[key] = self._clock.monotonic() + ttl, decision
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return decision

    def rules(self, user: User, namespace: str) -> Rules:
        return Rules(incomplete=True, errors=["webhook authorizer does not support user rule resolution"])

    def _failed(self, why: str) -> Decision:
        return Decision(Verdict.DENY if self._settings.denies else Verdict.NO_OPINION, "", why)

    async def _review(self, spec: dict[str, Any]) -> _Status:
        """Raises Failed."""
        version = self._settings.version
        told = spec if version == "v1" else _older(spec)
        api_version = f"authorization.k8s.io/{version}"
        review = {"kind": "SubjectAccessReview", "apiVersion": api_version, "metadata": {}, "spec": told, "status": {}}
        body, pause = codec.encode({**review, "status": {"allowed": False}}), _PAUSE
        for left in range(_TRIES - 1, -1, -1):
            why, again = "", True
            result = "error"
            try:
                status, answer = await self._ask(body)
            except TimeoutError:
                result = "timeout"
                why, again = "the webhook did not answer in time", False
            except (OSError, ssl.SSLError, StatusError) as error:
                # A connection that has ended may be another one's fault.
                why, again = reason_of(error) or type(error).__name__, isinstance(error.__cause__, ConnectionResetError)
            else:
                if 200 <= status < 300:
                    self._counted[self.name, "success"] += 1
                    return _decoded(answer, api_version)
                why, again = f"the webhook answered {status}", status in _AGAIN
            self._counted[self.name, result] += 1
            if not left or not again:
                raise Failed(why)
            await self._clock.sleep(pause * (1 + random.random() * _JITTER))
            pause *= _FACTOR
        raise AssertionError("the last try has an end")


def _decoded(answer: bytes, api_version: str) -> _Status:
    try:
        review = json.loads(answer)
        if review.get("apiVersion", api_version) != api_version:
            raise Failed(f"the webhook answered with {review.get('apiVersion')}, not with {api_version}")
        return msgspec.convert(review.get("status") or {}, _Status)
    except (ValueError, AttributeError, RecursionError) as error:
        raise Failed(f"the answer is no SubjectAccessReview: {error}") from error


def _decision(status: _Status) -> Decision:
    if status.denied:
        return Decision(Verdict.DENY, status.reason, _BOTH if status.allowed else "")
    return Decision(Verdict.ALLOW if status.allowed else Verdict.NO_OPINION, status.reason)


def _size(a: Attributes) -> int:
    """How long is what is asked about."""
    return sum(map(len, (a.verb, a.namespace, a.group, a.version, a.resource, a.subresource, a.name, a.path)))


def spec_of(a: Attributes) -> dict[str, Any]:
    """The question as a review has it; what is empty is left out."""
    user = a.user
    said = {"user": user.name, "groups": list(user.groups), "uid": user.uid}
    spec: dict[str, Any] = {key: value for key, value in said.items() if value}
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in sorted(user.extra.items())}
    if not a.is_resource:
        spec["nonResourceAttributes"] = {"path": a.path, "verb": a.verb}
        return spec
    about = {
        "namespace": a.namespace,
        "verb": a.verb,
        "group": a.group,
        "version": a.version,
        "resource": a.resource,
        "subresource": a.subresource,
        "name": a.name,
    }
    resource: dict[str, Any] = {key: value for key, value in about.items() if value}
    if requirements := _fields(a):
        resource["fieldSelector"] = {"requirements": requirements}
    if requirements := _labels(a):
        resource["labelSelector"] = {"requirements": requirements}
    spec["resourceAttributes"] = resource
    return spec


def _fields(a: Attributes) -> list[dict[str, Any]]:
    terms = a.field_selector.terms if a.field_selector is not None else ()
    return [{"key": t.field, "operator": "NotIn" if t.negated else "In", "values": [t.value]} for t in terms]


def _labels(a: Attributes) -> list[dict[str, Any]]:
    """What a review cannot say of labels is left out: that asks for more."""
    found: list[dict[str, Any]] = []
    for requirement in a.label_selector.requirements if a.label_selector is not None else ():
        operator = _LABEL_OPERATORS.get(requirement.operator)
        if operator is not None:
            values = {"values": list(requirement.values)} if requirement.values else {}
            found.append({"key": requirement.key, "operator": operator, **values})
    return found


def _older(spec: dict[str, Any]) -> dict[str, Any]:
    """As v1beta1 spells it."""
    return {"group" if key == "groups" else key: value for key, value in spec.items()}
