"""Who has been known and who not, by upstream's names. What a request costs here is an append and an addition."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.api.errors import Unauthorized
from steersman.api.metrics import BATCH, Counter, Histogram, Metric, exponential
from steersman.apiserver.authn.users import Rejected

DURATIONS = exponential(0.001, 2, 15)
# Names that upstream tells apart; all others are one, but for those that look like an address.
_TOLD_APART = frozenset({"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"})
# As many names are counted each until they are put together.
_NAMES = 1024


class Counts:
    """Authentication of requests."""

    def __init__(self) -> None:
        self._users = Counter(
            "authenticated_user_requests", "Requests by the kind of name of who has sent them.", ("username",)
        )
        self._seconds = Histogram(
            "authentication_duration_seconds", "How long it took to find out who asks.", ("result",), DURATIONS
        )
        self._succeeded = self._seconds.of("success")
        self._by_name: dict[str, int] = {}

    def succeeded(self, name: str, seconds: float) -> None:
        """It is known who asks."""
        names = self._by_name
        names[name] = names.get(name, 0) + 1
        pending = self._succeeded.pending
        pending.append(seconds)
        if len(pending) >= BATCH:
            self._succeeded.fold()
            if len(names) >= _NAMES:
                self._put_together()

    def failed(self, error: Unauthorized, seconds: float) -> None:
        """It is not: because there is nothing to go by (failure), or because that is not good (error)."""
        wrong = isinstance(error, Rejected) or error.__cause__ is not None
        self._seconds.observe(seconds, "error" if wrong else "failure")

    def _put_together(self) -> None:
        for name, count in self._by_name.items():
            self._users.add(username(name), by=count)
        self._by_name.clear()

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        self._put_together()
        yield self._users
        attempts = Counter(
            "authentication_attempts", "Requests by whether it was known who has sent them.", ("result",)
        )
        for (result,), samples in self._seconds.samples.items():
            samples.fold()
            if count := sum(samples.counts):
                attempts.add(result, by=count)
        yield attempts
        yield self._seconds


def username(name: str) -> str:
    """What a name counts as: there must not be as many series as there are users."""
    if name in _TOLD_APART:
        return name
    return "email_id" if "@" in name else "other"
