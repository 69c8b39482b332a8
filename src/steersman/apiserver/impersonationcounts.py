"""Impersonation as it is counted, by upstream's names: requests that ask for it, and the questions that each comes to."""

from __future__ import annotations

from typing import Final

from steersman.api.clock import Clock
from steersman.api.http import User
from steersman.api.metrics import Counter, Histogram, exponential
from steersman.apiserver import impersonation
from steersman.apiserver.authz import Attributes
from steersman.apiserver.impersonation import Asked, Authorizing, Impersonated
from steersman.apiserver.metrics import PROCESS

_LABELS = ("mode", "decision")
_NAME = "apiserver_impersonation_"
_SECONDS = exponential(0.001, 2, 15)
_MODES = frozenset(mode.name for mode in impersonation.MODES if mode.name)

_attempts: Final = PROCESS.add(Counter(f"{_NAME}attempts_total", "Requests that ask to be somebody else's.", _LABELS))
_seconds: Final = PROCESS.add(
    Histogram(f"{_NAME}attempts_duration_seconds", "How long it took to decide about them.", _LABELS, _SECONDS)
)
_questions: Final = PROCESS.add(
    Counter(f"{_NAME}authorization_attempts_total", "Questions whether somebody may be somebody else.", _LABELS)
)
_asked: Final = PROCESS.add(
    Histogram(f"{_NAME}authorization_attempts_duration_seconds", "How long these took.", _LABELS, _SECONDS)
)


class Counting:
    """An authorizer whose answers are counted."""

    def __init__(self, authorizer: Authorizing, clock: Clock) -> None:
        self._authorizer, self._clock = authorizer, clock

    async def check(self, attributes: Attributes) -> None:
        """Raises Forbidden."""
        since, decision = self._clock.monotonic(), "denied"
        try:
            await self._authorizer.check(attributes)
            decision = "allowed"
        finally:
            self._note(attributes, decision, since)

    async def allowed(self, attributes: Attributes) -> bool:
        """As the authorizer says."""
        since = self._clock.monotonic()
        found = await self._authorizer.allowed(attributes)
        self._note(attributes, "allowed" if found else "denied", since)
        return found

    def _note(self, attributes: Attributes, decision: str, since: float) -> None:
        mode = mode_of(attributes.verb)
        _questions.add(mode, decision)
        _asked.observe(self._clock.monotonic() - since, mode, decision)


async def impersonate(authorizer: Authorizing, clock: Clock, user: User, asked: Asked, on: Attributes) -> Impersonated:
    """As `impersonation.impersonate`, counted."""
    since, labels = clock.monotonic(), ("", "denied")
    try:
        found = await impersonation.impersonate(Counting(authorizer, clock), user, asked, on)
        labels = mode_of(found.constraint), "allowed"
        return found
    finally:
        _attempts.add(*labels)
        _seconds.observe(clock.monotonic() - since, *labels)


def mode_of(verb: str) -> str:
    """The way of impersonation that a verb belongs to; the old one has no verb of its own."""
    if verb in ("", "impersonate"):
        return "legacy"
    kind, _, rest = verb.partition(":")
    name = rest.partition(":")[0]
    return name if kind in ("impersonate", "impersonate-on") and name in _MODES else "unknown"
