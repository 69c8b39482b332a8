"""How often a configuration file was taken over while the server runs, as metrics tell it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from steersman.api.clock import Clock
from steersman.api.metrics import Counter, Gauge, Metric, gauge

SUCCESS, FAILURE = "success", "failure"
# A server has no name here that others could tell it by.
_SERVER = ""
_LABELS = ("status", "apiserver_id_hash")


class Reloads:
    """The reloads of one file. `counts` are by SUCCESS and FAILURE."""

    def __init__(self, clock: Clock, content: bytes) -> None:
        """`content` is what is in force."""
        self._clock = clock
        self._hash = _hash(content)
        self.counts = {SUCCESS: 0, FAILURE: 0}
        self._last: dict[str, float] = {}

    def taken(self, content: bytes) -> None:
        """What the file says now is in force."""
        self._hash = _hash(content)
        self._note(SUCCESS)

    def failed(self) -> None:
        """It says nothing that could be."""
        self._note(FAILURE)

    def _note(self, status: str) -> None:
        self.counts[status] += 1
        self._last[status] = self._clock.time()

    def metrics(self, what: str) -> Iterator[Metric]:
        """`what` is configured: authentication, authorization, encryption."""
        prefix = f"apiserver_{what}_config_controller_"
        total = Counter(
            f"{prefix}automatic_reloads_total", f"Times the configuration of {what} was read again.", _LABELS
        )
        last = Gauge(
            f"{prefix}automatic_reload_last_timestamp_seconds", "When the configuration was last read again.", _LABELS
        )
        for status, count in self.counts.items():
            total.add(status, _SERVER, by=count)
        for status, time in self._last.items():
            last.put(time, status, _SERVER)
        yield from (total, last)
        labels = ("apiserver_id_hash", "hash")
        yield gauge(
            f"{prefix}last_config_info", "The digest of the file in force.", labels, [((_SERVER, self._hash), 1)]
        )


def _hash(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
