"""The webhook authorizer: a server that is asked by SubjectAccessReview, and whose answers are remembered for a while."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

import msgspec

from steersman.api import codec, labels
from steersman.api.clock import Clock
from steersman.api.http import User
from steersman.api.recent import Digest
from steersman.apiserver.authorizers import conditions
from steersman.apiserver.authorizers.counting import Questions
from steersman.apiserver.authorizers.settings import Webhook
from steersman.apiserver.authz import NO_OPINION, Attributes, Decision, Question, Rules, Verdict
from steersman.apiserver.seldom import Seldom
from steersman.apiserver.webhook import asking
from steersman.apiserver.webhook.answers import Answers
from steersman.apiserver.webhook.asking import Note, Post, Unanswered

VERSIONS = ("v1", "v1beta1")
_REMEMBERED = 8192
# What is asked about in more bytes than this is not remembered: whoever asks could fill the memory.
_LONGEST = 10_000
_BOTH = "webhook subject access review returned both allow and deny response"
_LABEL_OPERATORS = {
    labels.IN: "In", labels.EQUALS: "In", labels.DOUBLE_EQUALS: "In", labels.NOT_IN: "NotIn", labels.NOT_EQUALS: "NotIn",
    labels.EXISTS: "Exists", labels.DOES_NOT_EXIST: "DoesNotExist",
}  # fmt: skip
log = logging.getLogger(__name__)


class _Status(msgspec.Struct):
    """What a review says; servers of other versions may say more than is known here."""

    allowed: bool = False
    denied: bool | None = None
    reason: str = ""
    evaluationError: str = ""


class WebhookAuthorizer:
    """Says what the server says to which `post` posts. `note` is told of each call."""

    waits = True

    def __init__(
        self,
        name: str,
        post: Post,
        clock: Clock,
        settings: Webhook,
        note: Note | None = None,
        counts: Questions | None = None,
    ) -> None:
        self.name, self._counts = name, counts or Questions()
        self._post, self._clock, self._settings, self._note = post, clock, settings, note
        self._key = Digest()
        self._answers: Answers[Decision] = Answers(clock, _REMEMBERED)
        self._seldom = Seldom(clock)

    def decide(self, attributes: Attributes) -> Decision | Question:
        spec = spec_of(attributes)
        if self._settings.conditions:
            since, holds = self._clock.monotonic(), None
            try:
                holds = conditions.hold(self._settings.conditions, spec)
            except conditions.Undecided as error:
                return self._failed(str(error))
            finally:
                self._counts.matched(self.name, self._clock.monotonic() - since, holds)
            if not holds:
                return NO_OPINION
        key = self._key(codec.encode(spec))
        known = self._answers.get(key)
        if known is not None:
            return known
        return partial(self._answers.ask, key, partial(self._asked, spec, remembered=_size(attributes) < _LONGEST))

    def rules(self, user: User, namespace: str) -> Rules:
        return Rules(incomplete=True, errors=["webhook authorizer does not support user rule resolution"])

    async def _asked(self, spec: dict[str, Any], *, remembered: bool) -> tuple[Decision, float]:
        try:
            decision = _decision(await self._review(spec))
        except Unanswered as error:
            if count := self._seldom.count():
                log.error("authorizer %s: failed to make %d webhook authorizer requests: %s", self.name, count, error)
            if not self._settings.denies:
                self._counts.opened(self.name, "timeout" if error.timed_out else "error")
            return self._failed(str(error)), 0.0
        ttl = self._settings.allowed_ttl if decision.allowed else self._settings.refused_ttl
        return decision, ttl if remembered else 0.0

    def _failed(self, why: str) -> Decision:
        return Decision(Verdict.DENY if self._settings.denies else Verdict.NO_OPINION, "", why)

    async def _review(self, spec: dict[str, Any]) -> _Status:
        """Raises Unanswered."""
        version = self._settings.version
        told = spec if version == "v1" else _older(spec)
        api_version = f"authorization.k8s.io/{version}"
        review = {"kind": "SubjectAccessReview", "apiVersion": api_version, "metadata": {}, "spec": told}
        body = codec.encode({**review, "status": {"allowed": False}})
        return _decoded(await asking.ask(self._post, body, self._clock, note=self._note), api_version)


def _decoded(answer: bytes, api_version: str) -> _Status:
    try:
        review = json.loads(answer)
        if review.get("apiVersion", api_version) != api_version:
            raise Unanswered(f"the webhook answered with {review.get('apiVersion')}, not with {api_version}")
        return msgspec.convert(review.get("status") or {}, _Status)
    except (ValueError, AttributeError, RecursionError) as error:
        raise Unanswered(f"the answer is no SubjectAccessReview: {error}") from error


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
