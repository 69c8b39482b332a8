"""What an external signer of service account tokens was asked and how that went, by upstream's names."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.api.metrics import Counter, Gauge, Histogram, Metric

_SIGNER = "apiserver_externaljwt_"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OK, NOT_GRPC = "OK", "unknown-non-grpc"
"""The code of what went well, and of what failed without the signer."""


class SignerCounts:
    """Calls of one signer. Codes are gRPC's."""

    def __init__(self) -> None:
        self._calls = Histogram(
            f"{_SIGNER}request_duration_seconds", "How long the signer took to answer.", ("method", "code"), _SECONDS
        )
        self._fetches = Counter(f"{_SIGNER}fetch_keys_request_total", "Attempts to fetch the signer's keys.", ("code",))
        self._tokens = Counter(f"{_SIGNER}sign_request_total", "Attempts to have a token signed.", ("code",))
        self._fetched = Gauge(f"{_SIGNER}fetch_keys_success_timestamp", "When the keys were fetched last.")
        self._dated = Gauge(f"{_SIGNER}fetch_keys_data_timestamp", "Of when the signer says that its keys are.")

    def called(self, method: str, code: str, seconds: float) -> None:
        """A call of a method by its full name."""
        self._calls.observe(seconds, method, code)

    def fetched(self, code: str, now: float = 0.0, stamp: float = 0.0) -> None:
        """Keys that were asked for; if there are any, at which time, and of when (seconds since 1970)."""
        self._fetches.add(code)
        if code == OK:
            self._fetched.put(now)
            self._dated.put(stamp)

    def signed(self, code: str) -> None:
        """A token that was asked for."""
        self._tokens.add(code)

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        yield from (self._fetched, self._dated, self._fetches, self._tokens, self._calls)
