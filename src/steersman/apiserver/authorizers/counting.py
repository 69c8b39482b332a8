"""How requests were decided, by upstream's names. What a request costs here is an append."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.api.metrics import BATCH, Counter, Histogram, Metric, exponential
from steersman.apiserver.authz import Decision, Verdict

DURATIONS = exponential(0.001, 2, 15)


class Counts:
    """Authorization of requests."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "authorization_duration_seconds", "How long it took to decide about requests.", ("result",), DURATIONS
        )
        self._allowed = self._seconds.of("allowed")

    def decided(self, decision: Decision, seconds: float) -> None:
        """A request may be answered, or not."""
        if decision.verdict is not Verdict.ALLOW:
            self._seconds.observe(seconds, _result(decision))
            return
        pending = self._allowed.pending
        pending.append(seconds)
        if len(pending) >= BATCH:
            self._allowed.fold()

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        yield self._seconds.times("authorization_attempts_total", "Requests by what was decided about them.")
        yield self._seconds


class Questions:
    """What became of webhooks' questions and conditions, by the name of the authorizer."""

    def __init__(self) -> None:
        prefix = "apiserver_authorization_"
        labels, condition = ("name", "result"), ("type", "name")
        self._asked = Counter(f"{prefix}webhook_evaluations_total", "Questions to webhooks.", labels)
        self._seconds = Histogram(f"{prefix}webhook_duration_seconds", "How long webhooks took.", labels)
        self._opened = Counter(
            f"{prefix}webhook_evaluations_fail_open_total", "Failures of webhooks that were passed over.", labels
        )
        prefix += "match_condition_"
        self._failed = Counter(f"{prefix}evaluation_errors_total", "Match conditions that failed.", condition)
        self._excluded = Counter(f"{prefix}exclusions_total", "Questions that match conditions left out.", condition)
        self._conditions = Histogram(
            f"{prefix}evaluation_seconds",
            "How long match conditions took.",
            condition,
            (0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
        )

    def asked(self, name: str, result: str, status: int, seconds: float) -> None:
        """A webhook was asked once: success, timeout, error."""
        self._asked.add(name, result)
        self._seconds.observe(seconds, name, result)

    def opened(self, name: str, result: str) -> None:
        """It has given no answer, and that keeps nobody out."""
        self._opened.add(name, result)

    def matched(self, name: str, seconds: float, holds: bool | None) -> None:
        """Its conditions hold, or not; None: nobody knows."""
        self._conditions.observe(seconds, "Webhook", name)
        if not holds:
            (self._failed if holds is None else self._excluded).add("Webhook", name)

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        yield from (self._asked, self._seconds, self._opened, self._failed, self._excluded, self._conditions)


def _result(decision: Decision) -> str:
    if decision.error:
        return "error"
    return "denied" if decision.verdict is Verdict.DENY else "no-opinion"
