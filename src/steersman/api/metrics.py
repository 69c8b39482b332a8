"""Counters, gauges and histograms, and the text format in which Prometheus reads them.

What happens with every request costs an addition or an append: a histogram sorts values into its buckets many at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import ClassVar, TypeVar

Labels = tuple[str, ...]
"""The values of a series' labels, in the order of their names."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The buckets of whoever has chosen none."""
BATCH = 128
"""As many values wait until they are sorted in: enough that one costs little, few enough to need no memory to speak of."""


def exponential(start: float, factor: float, count: int) -> tuple[float, ...]:
    """Bounds of buckets that grow."""
    return tuple(start * factor**i for i in range(count))


class Samples:
    """The values of one series of a histogram.

    Whoever has many may append to `pending` itself, if it calls `fold` when BATCH of them wait.
    """

    __slots__ = ("_bounds", "counts", "pending", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self.pending: list[float] = []

    def observe(self, value: float) -> None:
        """One value."""
        pending = self.pending
        pending.append(value)
        if len(pending) >= BATCH:
            self.fold()

    def fold(self) -> None:
        """Sorts in what waits."""
        values = self.pending
        if not values:
            return
        counts, before, last = self.counts, 0, max(values)
        if last > self._bounds[0]:
            values.sort()
        for i, bound in enumerate(self._bounds):
            if last <= bound:
                counts[i] += len(values) - before
                break
            until = bisect_right(values, bound, before)
            counts[i] += until - before
            before = until
        else:
            counts[-1] += len(values) - before
        self.total += sum(values)
        values.clear()

    def add(self, count: int, total: float) -> None:
        """So many values that belong to the first bucket, with their sum."""
        self.counts[0] += count
        self.total += total


class Metric:
    """The base of all: a name, what it says, and the names of its labels."""

    kind: ClassVar[str]

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        self.name, self.text, self.labels = name, text, labels

    def head(self) -> Iterator[str]:
        """What comes before the series."""
        yield f"# HELP {self.name} {self.text}"
        yield f"# TYPE {self.name} {self.kind}"

    def series(self) -> Iterator[str]:
        """A line or more for each series there is."""
        return iter(())

    def lines(self) -> Iterator[str]:
        """All of it; nothing without series."""
        first = True
        for line in self.series():
            if first:
                yield from self.head()
                first = False
            yield line


class Counter(Metric):
    """What only grows."""

    kind = "counter"

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        super().__init__(name, text, labels)
        # One without labels is there before it is first counted.
        self.values: dict[Labels, float] = {} if labels else {(): 0}

    def add(self, *labels: str, by: float = 1) -> None:
        """It happened once more, or `by` times."""
        self.values[labels] = self.values.get(labels, 0) + by

    def series(self) -> Iterator[str]:
        for values, value in sorted(self.values.items()):
            yield line(self.name, pairs(self.labels, values), value)


class Gauge(Counter):
    """What goes up and down."""

    kind = "gauge"

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        super().__init__(name, text, labels)
        self.values.clear()

    def put(self, value: float, *labels: str) -> None:
        """That is its value now."""
        self.values[labels] = value


class Histogram(Metric):
    """How values are spread over buckets."""

    kind = "histogram"

    def __init__(self, name: str, text: str, labels: Labels = (), bounds: Sequence[float] = SECONDS) -> None:
        super().__init__(name, text, labels)
        self.bounds = tuple(bounds)
        self.samples: dict[Labels, Samples] = {}

    def of(self, *labels: str) -> Samples:
        """The values of a series: keep it where there are many."""
        found = self.samples.get(labels)
        if found is None:
            found = self.samples[labels] = Samples(self.bounds)
        return found

    def observe(self, value: float, *labels: str) -> None:
        """One value of a series."""
        self.of(*labels).observe(value)

    def times(self, name: str, text: str) -> Counter:
        """How many values each series has, as a metric of its own."""
        found = Counter(name, text, self.labels)
        for labels, samples in self.samples.items():
            samples.fold()
            if count := sum(samples.counts):
                found.add(*labels, by=count)
        return found

    def series(self) -> Iterator[str]:
        for values, samples in sorted(self.samples.items(), key=lambda item: item[0]):
            samples.fold()
            if any(samples.counts):
                yield from histogram_lines(
                    self.name, pairs(self.labels, values), self.bounds, samples.counts, samples.total
                )


M = TypeVar("M", bound=Metric)


class Registry:
    """Metrics that are shown together, in the order in which they were made."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics.values())

    def add(self, metric: M) -> M:
        """Shows it from now on. Raises ValueError for a name that there is already."""
        if metric.name in self._metrics:
            raise ValueError(f"there is a metric {metric.name} already")
        self._metrics[metric.name] = metric
        return metric

    def render(self) -> str:
        """The text, with the end of its last line; "" if there is nothing to tell."""
        return "".join(f"{line}\n" for metric in self._metrics.values() for line in metric.lines())


def escaped(value: str) -> str:
    """A label's value as it is written."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def pairs(names: Sequence[str], values: Sequence[str]) -> str:
    """Labels as they are written between braces."""
    return ",".join(f'{name}="{escaped(value)}"' for name, value in zip(names, values, strict=True))


def number(value: float) -> str:
    """A value as it is written: as shortly as possible, as Go does it."""
    if isinstance(value, int):
        return str(value)
    if not isfinite(value):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    for digits in range(6, 17):
        text = f"{value:.{digits}g}"
        if float(text) == value:
            return text if abs(value) < 1e6 or digits == 6 else f"{value:.{digits - 1}e}"
    return repr(value)


def line(name: str, labels: str, value: float) -> str:
    """One series of a counter or gauge."""
    return f"{name}{{{labels}}} {number(value)}" if labels else f"{name} {number(value)}"


def histogram_lines(
    name: str, labels: str, bounds: Sequence[float], counts: Sequence[int], total: float, seen: int = 0
) -> Iterator[str]:
    """A histogram. `counts` has one number more than `bounds`; `seen` values of zero are not in it."""
    more = f"{labels}," if labels else ""
    braced = f"{{{labels}}}" if labels else ""
    for bound, count in zip(bounds, counts, strict=False):
        seen += count
        yield f'{name}_bucket{{{more}le="{number(float(bound))}"}} {seen}'
    seen += counts[-1]
    yield f'{name}_bucket{{{more}le="+Inf"}} {seen}'
    yield f"{name}_sum{braced} {number(float(total))}"
    yield f"{name}_count{braced} {seen}"


def gauge(name: str, text: str, labels: Labels, values: Iterable[tuple[Labels, float]]) -> Gauge:
    """A gauge of what is known at this moment."""
    found = Gauge(name, text, labels)
    found.values.update(values)
    return found
