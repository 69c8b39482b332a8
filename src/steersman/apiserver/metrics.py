"""What the API server has been asked, and how long that took, by upstream's names; and all that is counted of its process."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

from steersman.api.metrics import BATCH, Counter, Gauge, Histogram, Metric, Registry, Samples, exponential, gauge

PROCESS: Final = Registry()
"""What is counted where no server is at hand: by expressions, keys, tokens. It is shown by every API server of the process."""

Key = tuple[str, str, str, str, str, str, str, int]
"""verb, group, version, resource, subresource, scope, dry run, status"""

READS = frozenset({"get", "list", "watch"})
"""Verbs of requests that change nothing."""
_DURATIONS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
)  # fmt: skip
# Those of the time that counts for objectives are the same without the first two.
_LEFT_OUT: Final = 2
_OBJECTIVES = _DURATIONS[_LEFT_OUT:]
_SIZES = tuple(10.0**n for n in range(3, 10))
_VERBS = {"create": "POST", "update": "PUT", "deletecollection": "DELETE"}
_CONNECTS = frozenset({"log", "exec", "portforward", "attach", "proxy"})
_SERIES = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_EVENT, _EVENT_SIZES = ("group", "version", "resource"), exponential(1024, 2, 8)
_SERIES_DRY = ("verb", "dry_run", *_SERIES[1:])


class _Asked:
    """The requests of one key."""

    __slots__ = ("durations", "sizes")

    def __init__(self) -> None:
        self.durations = Samples(_DURATIONS)
        self.sizes = Samples(_SIZES)


class _Level:
    """How many there are of something now, and the most of this second and of the last."""

    __slots__ = ("last", "now", "peak")

    def __init__(self) -> None:
        self.now = self.peak = self.last = 0

    def enter(self) -> None:
        self.now += 1
        if self.now > self.peak:
            self.peak = self.now

    def tick(self) -> None:
        self.last, self.peak = self.peak, self.now


class Metrics:
    """Counters of one server. All methods are synchronous and cheap."""

    def __init__(self) -> None:
        self._asked: dict[Key, _Asked] = {}
        # Objectives leave out what somebody else is waited for: by series, how many are in which other bucket, and the seconds.
        self._excused: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        self._excuses: dict[object, float] = {}
        self._watches: dict[tuple[str, str, str, str], int] = {}
        self._events = Histogram(
            "apiserver_watch_events_sizes", "Bytes of events as they were sent.", _EVENT, _EVENT_SIZES
        )
        self.watches = 0
        self.certificates = Histogram(
            "apiserver_client_certificate_expiration_seconds",
            "How long the certificates by which requests were authenticated are still good.",
            (),
            (0.0, *(60.0 * m for m in (30, 60, 120, 360, 720)), *(86400.0 * d for d in (1, 2, 4, 7, 30, 90, 180, 360))),
        )
        self.failed_handshakes: Callable[[], int] = lambda: 0
        """How many connections have not come to be because of TLS; whoever listens says it."""
        self.reading, self.writing = _Level(), _Level()
        """Requests that are answered at present, but for those that last."""
        self.read_waiting, self.write_waiting = _Level(), _Level()
        """Those of them that wait for their turn."""

    def observe(self, key: Key, seconds: float, body: object) -> None:
        """One answered request. Only those answers are measured that are whole."""
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = _Asked()
        pending = asked.durations.pending
        pending.append(seconds)
        if type(body) is bytes and key[5] and (key[0] == "get" or key[0] == "list"):
            asked.sizes.pending.append(len(body))
        if len(pending) >= BATCH:
            asked.durations.fold()
            asked.sizes.fold()
        if self._excuses and (excused := self._excuses.pop(asyncio.current_task(), 0.0)) and not key[6]:
            counts, total = self._excused.setdefault(_series(key), ([0] * (len(_OBJECTIVES) + 1), [0.0]))
            counts[bisect_left(_OBJECTIVES, seconds)] -= 1
            counts[bisect_left(_OBJECTIVES, max(seconds - excused, 0.0))] += 1
            total[0] -= min(excused, seconds)

    def excuse(self, seconds: float) -> None:
        """The request of this task has waited for so long for its turn, or for a webhook."""
        task = asyncio.current_task()
        self._excuses[task] = self._excuses.get(task, 0.0) + seconds

    def abandoned(self) -> None:
        """Nobody waits for the answer of this task any more."""
        self._excuses.pop(asyncio.current_task(), None)

    def requested(self) -> list[tuple[str, str, str, str]]:
        """Group, version, resource and subresource of everything that has been asked for."""
        return sorted({key[1:5] for key in self._asked})

    # Watches

    def opened(self, series: tuple[str, str, str, str]) -> Samples:
        """A watch of this group, version, resource and scope has begun; where the sizes of its events go."""
        self.watches += 1
        self._watches[series] = self._watches.get(series, 0) + 1
        return self._events.of(*series[:3])

    def closed(self, series: tuple[str, str, str, str]) -> None:
        """It has ended."""
        self.watches -= 1
        self._watches[series] -= 1

    # Telling

    def tick(self) -> None:
        """A second is over."""
        for level in (self.reading, self.writing, self.read_waiting, self.write_waiting):
            level.tick()

    def render(self) -> str:
        """The text that Prometheus reads."""
        return "".join(f"{line}\n" for metric in self.metrics() for line in metric.lines())

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        total = Counter("apiserver_request_total", "Requests that were answered.", (*_SERIES_DRY, "code"))
        durations = Histogram(
            "apiserver_request_duration_seconds",
            "How long requests took; watches until they began.",
            _SERIES_DRY,
            _DURATIONS,
        )
        objectives = Histogram(
            "apiserver_request_sli_duration_seconds",
            "How long requests took, without the time for which webhooks or their turn were waited for.",
            _SERIES,
            _OBJECTIVES,
        )
        sizes = Histogram("apiserver_response_sizes", "Bytes of answers to reads.", _SERIES, _SIZES)
        for key, asked in self._asked.items():
            series = _series(key)
            dry = (series[0], key[6], *series[1:])
            asked.durations.fold()
            asked.sizes.fold()
            counts = asked.durations.counts
            total.add(*dry, str(key[7]), by=sum(counts))
            _add(durations.of(*dry), counts, asked.durations.total)
            if not key[6]:
                first, others = sum(counts[: _LEFT_OUT + 1]), counts[_LEFT_OUT + 1 :]
                _add(objectives.of(*series), [first, *others], asked.durations.total)
            _add(sizes.of(*series), asked.sizes.counts, asked.sizes.total)
        for series, (moved, seconds) in self._excused.items():
            _add(objectives.of(*series), moved, seconds[0])
        yield from (total, durations, objectives, sizes)
        sent = Counter("apiserver_watch_events_total", "Events that were sent.", _EVENT)
        for labels, samples in self._events.samples.items():
            samples.fold()
            if count := sum(samples.counts):
                sent.add(*labels, by=count)
        yield from (sent, self._events)
        handshakes = Counter("apiserver_tls_handshake_errors_total", "Connections that have failed for TLS.")
        handshakes.add(by=self.failed_handshakes())
        yield from (self.certificates, handshakes)
        yield from self._gauges()

    def _gauges(self) -> Iterator[Gauge]:
        watches = {("WATCH", *series[:3], "", series[3], "apiserver"): n for series, n in self._watches.items()}
        yield gauge("apiserver_longrunning_requests", "Watches that are open.", _SERIES, watches.items())
        for name, text, reads, writes in (
            ("inflight", "Most requests of the last second that were being answered.", self.reading, self.writing),
            (
                "inqueue",
                "Most requests of the last second that waited for their turn.",
                self.read_waiting,
                self.write_waiting,
            ),
        ):
            counts = {("readOnly",): max(reads.last, reads.now), ("mutating",): max(writes.last, writes.now)}
            yield gauge(f"apiserver_current_{name}_requests", text, ("request_kind",), counts.items())


def _add(samples: Samples, counts: list[int], total: float) -> None:
    samples.counts = [a + b for a, b in zip(samples.counts, counts, strict=True)]
    samples.total += total


def _series(key: Key) -> tuple[str, ...]:
    verb, group, version, resource, subresource, scope = key[:6]
    shown = "CONNECT" if resource and subresource in _CONNECTS else _VERBS.get(verb, verb.upper())
    return shown, group, version, resource, subresource, scope, "apiserver"
