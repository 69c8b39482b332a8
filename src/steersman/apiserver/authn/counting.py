"""Who has been known and who not, by upstream's names. What a request costs here is an append and an addition."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from steersman.api.errors import Unauthorized
from steersman.api.metrics import BATCH, Counter, Histogram, Metric, exponential
from steersman.apiserver.authn.users import Rejected

DURATIONS = exponential(0.001, 2, 15)
# Names that upstream tells apart; all others are one, but for those that look like an address.
_TOLD_APART = frozenset({"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"})


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
        self._names: list[str] = []

    def succeeded(self, name: str, seconds: float) -> None:
        """It is known who asks."""
        self._names.append(name)
        pending = self._succeeded.pending
        pending.append(seconds)
        if len(pending) >= BATCH:
            self._succeeded.fold()
            self._put_together()

    def failed(self, error: Unauthorized, seconds: float) -> None:
        """It is not: because there is nothing to go by (failure), or because that is not good (error)."""
        wrong = isinstance(error, Rejected) or error.__cause__ is not None
        self._seconds.observe(seconds, "error" if wrong else "failure")

    def _put_together(self) -> None:
        for name, count in Tally(self._names).items():
            self._users.add(username(name), by=count)
        self._names.clear()

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        self._put_together()
        yield self._users
        yield self._seconds.times("authentication_attempts", "Requests by whether it was known who has sent them.")
        yield self._seconds


def username(name: str) -> str:
    """What a name counts as: there must not be as many series as there are users."""
    if name in _TOLD_APART:
        return name
    return "email_id" if "@" in name else "other"
