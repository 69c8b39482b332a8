"""Priority and fairness in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from steersman.api.metrics import histogram_lines
from steersman.apiserver.flowcontrol.allocation import Adjusted
from steersman.apiserver.flowcontrol.level import SECONDS, Histogram, Level, Series

_PREFIX = "apiserver_flowcontrol_"
_WIDTHS = (1, 2, 4, 8, 16, 32, 64, 100)

_OF_SERIES: tuple[tuple[str, str, str, Callable[[Series], float]], ...] = (
    ("dispatched_requests_total", "counter", "Requests that were executed.", lambda s: s.dispatched),
    (
        "current_executing_requests",
        "gauge",
        "Requests that execute, watches only while they begin.",
        lambda s: s.executing,
    ),
    ("current_executing_seats", "gauge", "Seats that are taken.", lambda s: s.seats),
    ("current_inqueue_requests", "gauge", "Requests that wait.", lambda s: s.waiting),
    ("current_inqueue_seats", "gauge", "Seats that are waited for.", lambda s: s.waiting_seats),
)
_OF_LEVEL: tuple[tuple[str, str, Callable[[Level], float]], ...] = (
    ("nominal_limit_seats", "Seats of each level by its shares.", lambda v: v.limits.nominal),
    ("lower_limit_seats", "Seats that a level keeps whatever it lends.", lambda v: v.limits.least),
    ("upper_limit_seats", "Seats that a level has if it borrows all it may.", lambda v: v.limits.most),
    ("current_limit_seats", "Seats of each level at present.", lambda v: v.limit),
    (
        "demand_seats_high_watermark",
        "Most seats that a level could use in the last period.",
        lambda v: v.statistics.peak,
    ),
    (
        "demand_seats_average",
        "Seats that a level could use, averaged over the last period.",
        lambda v: v.statistics.average,
    ),
    ("demand_seats_stdev", "Standard deviation of that.", lambda v: v.statistics.deviation),
    ("demand_seats_smoothed", "Seats that a level could use, smoothed.", lambda v: v.statistics.smoothed),
)


def render(levels: Mapping[str, Level], adjusted: Adjusted) -> str:
    """All of it."""
    return "\n".join(_lines([level for _, level in sorted(levels.items())], adjusted)) + "\n"


def _lines(levels: list[Level], adjusted: Adjusted) -> Iterator[str]:
    series = [
        (f'priority_level="{v.name}",flow_schema="{name}"', s) for v in levels for name, s in sorted(v.series.items())
    ]
    for name, kind, text, value in _OF_SERIES:
        yield from _head(name, kind, text)
        yield from (f"{_PREFIX}{name}{{{labels}}} {value(s):g}" for labels, s in series)
    yield from _head("rejected_requests_total", "counter", "Requests that were refused.")
    for labels, s in series:
        for reason, count in sorted(s.refused.items()):
            yield f'{_PREFIX}rejected_requests_total{{{labels},reason="{reason}"}} {count}'
    yield from _head("request_wait_duration_seconds", "histogram", "How long requests waited in queues.")
    for labels, s in series:
        for executed, histogram in s.waits.items():
            at_once = s.dispatched - sum(histogram.counts) if executed else 0
            more = f'{labels},execute="{str(executed).lower()}"'
            yield from _histogram("request_wait_duration_seconds", more, histogram, at_once)
    yield from _head("request_execution_seconds", "histogram", "How long requests executed.")
    for labels, s in series:
        for kind, histogram in s.executions.items():
            yield from _histogram("request_execution_seconds", f'{labels},type="{kind}"', histogram, 0)
    yield from _head("work_estimated_seats", "histogram", "Seats that requests were taken to need.")
    for labels, s in series:
        yield from _estimated(labels, s)
    for name, text, of in _OF_LEVEL:
        yield from _head(name, "gauge", text)
        yield from (f'{_PREFIX}{name}{{priority_level="{v.name}"}} {of(v):g}' for v in levels)
    yield from _head("target_seats", "gauge", "Seats that each level was meant to have.")
    yield from (f'{_PREFIX}target_seats{{priority_level="{n}"}} {t:g}' for n, t in sorted(adjusted.targets.items()))
    yield from _head(
        "seat_fair_frac", "gauge", "Fraction of its target that a level gets whom no bound of its own stops."
    )
    yield f"{_PREFIX}seat_fair_frac {adjusted.fraction:g}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {_PREFIX}{name} {text}"
    yield f"# TYPE {_PREFIX}{name} {kind}"


def _histogram(name: str, labels: str, histogram: Histogram, at_once: int) -> Iterator[str]:
    """`at_once` further values of zero are not in the histogram. One without any value is left out."""
    if at_once or any(histogram.counts):
        yield from histogram_lines(_PREFIX + name, labels, SECONDS, histogram.counts, histogram.total, at_once)


def _estimated(labels: str, s: Series) -> Iterator[str]:
    """Seats of the requests that executed; what takes one is not counted by itself."""
    wide = dict(s.widths)
    counts = {1: s.dispatched - sum(wide.values()), **wide}
    if not s.dispatched:
        return
    for bound in _WIDTHS:
        yield f'{_PREFIX}work_estimated_seats_bucket{{{labels},le="{bound}"}} {sum(c for w, c in counts.items() if w <= bound)}'
    yield f'{_PREFIX}work_estimated_seats_bucket{{{labels},le="+Inf"}} {s.dispatched}'
    yield f"{_PREFIX}work_estimated_seats_sum{{{labels}}} {sum(w * c for w, c in counts.items())}"
    yield f"{_PREFIX}work_estimated_seats_count{{{labels}}} {s.dispatched}"
