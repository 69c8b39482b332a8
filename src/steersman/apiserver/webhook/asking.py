"""One question to a webhook: posted within bounds of time and size, and once more where that may help."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.apiserver.backend import Backends, Target, read_limited
from steersman.apiserver.webhook import failures
from steersman.apiserver.webhook.kubeconfig import Remote

SECONDS = 30.0
"""For one try, its answer included."""
MOST = 1024 * 1024
"""Bytes of an answer."""
AT_ONCE, MOST_ASKED = 128, 1024
"""Questions that one server is asked at a time; and all that may wait for it: strangers can ask as many as they like."""
_REFUSAL = 4096
_FACTOR, _JITTER = 1.5, 0.2
# Who asks to be left alone for longer is asked all the same: a request waits.
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Said:
    """A server's answer. `after` is how many seconds it wants to be left alone (Retry-After)."""

    status: int
    body: bytes = b""
    after: float = 0.0


class Unanswered(Exception):
    """There is no good answer; the text says why. `status` is 0 if there is none at all."""

    def __init__(
        self, why: str, *, status: int = 0, after: float = 0.0, timed_out: bool = False, reset: bool = False
    ) -> None:
        super().__init__(why)
        self.status, self.after, self.reset = status, after, reset
        self.timed_out = timed_out or status == 504


Post = Callable[[bytes], Awaitable[Said]]
"""Sends a body once. Raises Unanswered where no answer comes."""
Note = Callable[[str, int, float], None]
"""Is told what became of a try: `success`, `timeout` or `error`; the status, 0 without any; and the seconds it took."""


def transient(error: Unanswered) -> bool:
    """Whether an error is one that passes by itself: that is for the server to say, except for connections broken off."""
    passing = error.status == 429 or (error.status >= 500 and error.status != 503)
    return error.reset or passing or error.after > 0


def anything(error: Unanswered) -> bool:
    """For what must not be lost as long as there is hope."""
    return True


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often a question is asked at most, which failures are worth another try, and how many seconds later the second
    is; each further one comes later still, and not at the same moment for everybody."""

    tries: int = 5
    pause: float = 0.5
    worth: Callable[[Unanswered], bool] = transient


async def ask(post: Post, body: bytes, clock: Clock, repeats: Repeats | None = None, note: Note | None = None) -> bytes:
    """The body of a good answer. Raises Unanswered with what went wrong the last time."""
    repeats = repeats or Repeats()
    pause = repeats.pause
    for left in range(repeats.tries - 1, -1, -1):
        began = clock.monotonic()
        outcome = await _tried(post, body)
        if note is not None:
            note(_result(outcome), outcome.status, clock.monotonic() - began)
        if isinstance(outcome, Said):
            return outcome.body
        if not left or not repeats.worth(outcome):
            raise outcome
        await clock.sleep(max(pause * (1 + random.random() * _JITTER), min(outcome.after, _LONGEST_PAUSE)))
        pause *= _FACTOR
    raise AssertionError("the last try has an end")


async def _tried(post: Post, body: bytes) -> Said | Unanswered:
    try:
        said = await post(body)
    except Unanswered as error:
        return error
    if 200 <= said.status < 300:
        return said
    text = said.body[:_REFUSAL].decode("utf-8", "replace").strip()
    return Unanswered(failures.refusal(said.status, text), status=said.status, after=said.after)


def _result(outcome: Said | Unanswered) -> str:
    if isinstance(outcome, Said):
        return "success"
    return "timeout" if outcome.timed_out else "error"


class Connection:
    """Posts to a remote: `Post`."""

    def __init__(self, remote: Remote, backends: Backends, seconds: float = SECONDS) -> None:
        self._remote, self._backends, self._seconds = remote, backends, seconds
        self._room = asyncio.Semaphore(AT_ONCE)
        self._asked = 0

    async def __call__(self, body: bytes) -> Said:
        if self._asked >= MOST_ASKED:
            raise Unanswered(f'Post "{self._remote.url}": too many questions wait for an answer')
        self._asked += 1
        try:
            return await self._said(body)
        finally:
            self._asked -= 1

    async def _said(self, body: bytes) -> Said:
        remote = self._remote
        try:
            # Who waits here for long has as little time as who waits for an answer.
            async with asyncio.timeout(self._seconds), self._room:
                remote = await remote.current()
                target, headers = remote.target(), remote.headers()
                said = await post(self._backends, target, remote.path, remote.query, headers, body, MOST)
        except TimeoutError:
            raise Unanswered(f'Post "{remote.url}": context deadline exceeded', timed_out=True) from None
        except (OSError, ssl.SSLError, ValueError, StatusError) as error:
            why = f'Post "{remote.url}": {failures.reason_of(error)}'
            raise Unanswered(why, reset=failures.was_reset(error)) from error
        if said.status == 401:
            remote.identity.refused()
        return said


async def post(
    backends: Backends,
    target: Target,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    most: int,
    large: asyncio.Lock | None = None,
) -> Said:
    """One POST and its answer, of which the `large` ones are read one after the other. Raises StatusError, ssl.SSLError, or
    OSError, also for more than `most` bytes."""
    headers = list(headers)
    try:
        answer = await backends.send(target, "POST", path, query, headers, body)
    except StatusError as error:
        if not failures.was_idle(error):
            raise
        # A kept connection was closed while nothing was said on it: nobody has seen the request.
        answer = await backends.send(target, "POST", path, query, headers, body)
    good = 200 <= answer.status < 300
    data = await read_limited(answer.body, most + 1 if good else _REFUSAL, large)
    if len(data) > most:
        raise OSError("the answer is too large")
    after = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    return Said(answer.status, data, float(after) if after.isdecimal() and len(after) < 10 else 0.0)
