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
        attempts = Counter("authorization_attempts_total", "Requests by what was decided about them.", ("result",))
        for (result,), samples in self._seconds.samples.items():
            samples.fold()
            if count := sum(samples.counts):
                attempts.add(result, by=count)
        yield attempts
        yield self._seconds


def _result(decision: Decision) -> str:
    if decision.error:
        return "error"
    return "denied" if decision.verdict is Verdict.DENY else "no-opinion"
