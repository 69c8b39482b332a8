"""A server that knows tokens (webhook token authentication): asked by TokenReview, and its answers remembered for a while."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import msgspec

from steersman.api import codec
from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.api.http import User
from steersman.apiserver.authn.remembering import Remembered
from steersman.apiserver.authn.users import Refused, Verdict, authenticated, common
from steersman.apiserver.backend import Backends, read_limited
from steersman.apiserver.webhook.kubeconfig import Remote

VERSIONS = ("v1", "v1beta1")
_SECONDS = 30.0
_MOST = 1024 * 1024
# How a question is repeated that may be answered another time.
_TRIES, _PAUSE, _FACTOR, _JITTER = 5, 0.5, 1.5, 0.2
_AGAIN = frozenset({429, 500, 502, 503, 504})
log = logging.getLogger(__name__)

Ask = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""Sends a review and tells status and body of the answer. Raises OSError, TimeoutError, StatusError."""


def asking(remote: Remote, backends: Backends) -> Ask:
    """Asks by HTTP."""

    async def ask(body: bytes) -> tuple[int, bytes]:
        async with asyncio.timeout(_SECONDS):
            answer = await backends.send(remote.target, "POST", remote.path, remote.query, remote.headers(), body)
            return answer.status, await read_limited(answer.body, _MOST)

    return ask


class WebhookTokens:
    """Takes what the server behind `ask` takes. `own` are the API server's audiences, for servers that do not think of any."""

    def __init__(
        self, ask: Ask, clock: Clock, own: Sequence[str], version: str = "v1beta1", ttl: float = 120.0
    ) -> None:
        self._ask, self._clock, self._own, self._version = ask, clock, tuple(own), version
        self._remembered: Remembered[tuple[Verdict | None, str]] = Remembered(clock, ttl)

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | Coroutine[Any, Any, Verdict | None] | None:
        known = self._remembered.get(token, wanted)
        return self._asked(token, wanted) if known is None else _told(*known)

    async def _asked(self, token: str, wanted: Sequence[str]) -> Verdict | None:
        verdict, error = self._read(await self._review(token, wanted), wanted)
        # Whatever the server says, it is not to show the token.
        answer = verdict, error.replace(token, "…")
        self._remembered.put(token, wanted, answer)
        return _told(*answer)

    def _read(self, status: _Status, wanted: Sequence[str]) -> tuple[Verdict | None, str]:
        """Whether the server takes the token, or what it has against it."""
        good = common(wanted, status.audiences or self._own)
        if not status.authenticated or status.user is None or not status.user.username:
            return None, status.error
        if wanted and not good:
            return None, ""
        return Verdict(status.user.user(), good), ""

    async def _review(self, token: str, wanted: Sequence[str]) -> _Status:
        """Raises Refused for a server that cannot be asked; that is not remembered."""
        spec: dict[str, Any] = {"token": token}
        if wanted:
            spec["audiences"] = list(wanted)
        version = f"authentication.k8s.io/{self._version}"
        body = {"kind": "TokenReview", "apiVersion": version, "metadata": {"creationTimestamp": None}, "spec": spec}
        encoded, pause = codec.encode(body), _PAUSE
        for left in range(_TRIES - 1, -1, -1):
            why, again = "", True
            try:
                status, answer = await self._ask(encoded)
            except (OSError, ssl.SSLError, TimeoutError, StatusError) as error:
                why = str(error) or type(error).__name__
            else:
                if 200 <= status < 300:
                    return self._decoded(answer)
                why, again = f"the webhook answered {status}", status in _AGAIN
            if not left or not again:
                log.error("failed to make webhook authenticator request: %s", why)
                raise Refused(f"webhook authentication: {why}")
            await self._clock.sleep(pause * (1 + random.random() * _JITTER))
            pause *= _FACTOR
        raise AssertionError("the last try has an end")

    def _decoded(self, answer: bytes) -> _Status:
        try:
            review = msgspec.json.decode(answer)
            if review.get("apiVersion") != f"authentication.k8s.io/{self._version}":
                raise ValueError("another version")
            return msgspec.convert(review.get("status") or {}, _Status)
        except (ValueError, AttributeError, RecursionError):
            # What is wrong with it could show what it holds.
            log.error("webhook authenticator: the answer is no TokenReview of %s", self._version)
            raise Refused(f"webhook authentication: the answer is no TokenReview of {self._version}") from None


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


def _told(verdict: Verdict | None, error: str) -> Verdict | None:
    if verdict is None and error:
        raise Refused(error)
    return verdict
