"""A server that knows tokens (webhook token authentication): asked by TokenReview, and its answers remembered for a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from steersman.api import codec
from steersman.api.clock import Clock
from steersman.api.http import User
from steersman.api.identities import authenticated
from steersman.api.recent import Digest
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.authn.users import Refused, Verdict, common
from steersman.apiserver.seldom import Seldom
from steersman.apiserver.webhook import asking
from steersman.apiserver.webhook.answers import Answers
from steersman.apiserver.webhook.asking import Note, Post, Unanswered

VERSIONS = ("v1", "v1beta1")
_REMEMBERED = 4096
# For a question with all its repetitions.
_SECONDS = 30.0
log = logging.getLogger(__name__)

_Answer = tuple[Verdict | None, str]
"""Whose a token is, or what the server has against it."""


class WebhookTokens:
    """Takes what the server takes to which `post` posts. `own` are the API server's audiences, for servers that do not think
    of any. `note` is told of each call."""

    def __init__(
        self,
        post: Post,
        clock: Clock,
        own: Sequence[str],
        version: str = "v1beta1",
        ttl: float = 120.0,
        note: Note | None = None,
    ) -> None:
        self._post, self._clock, self._own, self._version = post, clock, tuple(own), version
        self._ttl, self._note = ttl, note
        # Tokens themselves do not stay in memory.
        self._key = Digest()
        self._answers: Answers[_Answer] = Answers(clock, _REMEMBERED)
        self._seldom = Seldom(clock)

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | Coroutine[Any, Any, Verdict | None] | None:
        key = self._key(token, *wanted)
        known = self._answers.get(key)
        if known is None:
            return self._asked(key, token, wanted)
        tokencounts.requests.add("hit")
        return _told(known)

    async def _asked(self, key: bytes, token: str, wanted: Sequence[str]) -> Verdict | None:
        async def question() -> tuple[_Answer, float]:
            try:
                verdict, error = self._read(await self._review(token, wanted), wanted)
            except Unanswered as failure:
                # An error here means that something is set up wrongly, or down.
                why = str(failure).replace(token, "…")
                if count := self._seldom.count():
                    log.error("failed to make %d webhook authenticator requests: %s", count, why)
                raise Refused(why) from None
            # Whatever the server says, it is not to show the token.
            return (verdict, error.replace(token, "…")), self._ttl

        return _told(await tokencounts.asked(self._answers, key, question))

    def _read(self, status: _Status, wanted: Sequence[str]) -> _Answer:
        good = common(wanted, status.audiences or self._own)
        if wanted and not good:
            return None, ""
        if not status.authenticated:
            return None, status.error
        if status.user is None or not status.user.username:
            return None, ""
        return Verdict(status.user.user(), good), ""

    async def _review(self, token: str, wanted: Sequence[str]) -> _Status:
        """Raises Unanswered."""
        spec: dict[str, Any] = {"token": token}
        if wanted:
            spec["audiences"] = list(wanted)
        version = f"authentication.k8s.io/{self._version}"
        body = {"kind": "TokenReview", "apiVersion": version, "metadata": {"creationTimestamp": None}, "spec": spec}
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await asking.ask(self._post, codec.encode(body), self._clock, note=self._note)
        except TimeoutError:
            raise Unanswered("context deadline exceeded", timed_out=True) from None
        return self._decoded(answer)

    def _decoded(self, answer: bytes) -> _Status:
        try:
            review = msgspec.json.decode(answer)
            if review.get("apiVersion") != f"authentication.k8s.io/{self._version}":
                raise ValueError("another version")
            return msgspec.convert(review.get("status") or {}, _Status)
        except (ValueError, AttributeError, RecursionError):
            # What is wrong with it could show what it holds.
            raise Unanswered(f"the answer is no TokenReview of {self._version}") from None


class _User(msgspec.Struct):
    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str]] | None = None

    def user(self) -> User:
        extra = {key: tuple(values) for key, values in (self.extra or {}).items()}
        return authenticated(User(self.username, tuple(self.groups or ()), self.uid, extra))


class _Status(msgspec.Struct):
    """What a review says; servers of other versions may say more than is known here."""

    authenticated: bool | None = None
    audiences: list[str] | None = None
    error: str = ""
    user: _User | None = None


def _told(answer: _Answer) -> Verdict | None:
    verdict, error = answer
    if verdict is None and error:
        raise Refused(error)
    return verdict
