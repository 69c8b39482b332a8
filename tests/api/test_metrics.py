"""What is counted, and how it is written."""

import math
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import metrics
from steersman.api.metrics import BATCH, Counter, Gauge, Histogram, Registry, Samples, exponential, number


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (3, "3"), (0.005, "0.005"), (1.0, "1"), (604800.0, "604800"), (31104000.0, "3.1104e+07"), (1e9, "1e+09"),
     (1048576.0, "1.048576e+06"), (1e-05, "1e-05"), (0.1 + 0.2, "0.30000000000000004"), (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN")],
)  # fmt: skip
def test_numbers_are_written_as_go_writes_them(value: float, written: str) -> None:
    assert number(value) == written


@given(st.lists(st.floats(0, 100), max_size=3 * BATCH))
def test_values_end_up_in_their_buckets(values: list[float]) -> None:
    bounds = (0.5, 1.0, 10.0)
    samples = Samples(bounds)
    for value in values:
        samples.observe(value)
    assert len(samples.pending) < BATCH
    samples.fold()
    counts = [0] * 4
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    assert samples.counts == counts
    assert samples.total == pytest.approx(sum(values))


def test_a_bound_belongs_to_its_bucket() -> None:
    samples = Samples((1.0, 2.0))
    for value in (1.0, 2.0, 2.5):
        samples.observe(value)
    samples.fold()
    assert samples.counts == [1, 1, 1]


def test_exponential() -> None:
    assert exponential(0.001, 2, 4) == (0.001, 0.002, 0.004, 0.008)


def test_what_is_written() -> None:
    registry = Registry()
    registry.add(Counter("plain_total", "Without labels."))
    counted = registry.add(Counter("asked_total", "Questions.", ("by", "result")))
    registry.add(Counter("never_total", "Nothing to tell.", ("by",)))
    held = registry.add(Gauge("held", "Now.", ("what",)))
    spread = registry.add(Histogram("took_seconds", "How long.", ("by",), (0.1, 1.0)))
    bare = registry.add(Histogram("bare_seconds", "How long.", (), (1.0,)))
    counted.add("b", "ok")
    counted.add('a"\\\n', "ok", by=2)
    held.put(1.5, "x")
    held.put(2.5, "x")
    spread.observe(0.05, "b")
    spread.observe(5.0, "b")
    spread.of("empty")
    bare.observe(0.5)
    assert registry.render().splitlines() == [
        "# HELP plain_total Without labels.",
        "# TYPE plain_total counter",
        "plain_total 0",
        "# HELP asked_total Questions.",
        "# TYPE asked_total counter",
        'asked_total{by="a\\"\\\\\\n",result="ok"} 2',
        'asked_total{by="b",result="ok"} 1',
        "# HELP held Now.",
        "# TYPE held gauge",
        'held{what="x"} 2.5',
        "# HELP took_seconds How long.",
        "# TYPE took_seconds histogram",
        'took_seconds_bucket{by="b",le="0.1"} 1',
        'took_seconds_bucket{by="b",le="1"} 1',
        'took_seconds_bucket{by="b",le="+Inf"} 2',
        'took_seconds_sum{by="b"} 5.05',
        'took_seconds_count{by="b"} 2',
        "# HELP bare_seconds How long.",
        "# TYPE bare_seconds histogram",
        'bare_seconds_bucket{le="1"} 1',
        'bare_seconds_bucket{le="+Inf"} 1',
        "bare_seconds_sum 0.5",
        "bare_seconds_count 1",
    ]
    assert list(spread.times("asked", "How often.").lines()) == [
        "# HELP asked How often.",
        "# TYPE asked counter",
        'asked{by="b"} 2',
    ]
    assert [metric.name for metric in registry] == ["plain_total", "asked_total", "never_total", "held", "took_seconds", "bare_seconds"]  # fmt: skip
    with pytest.raises(ValueError, match="held already"):
        registry.add(Gauge("held", "Again."))


def test_a_gauge_of_what_is_known_now() -> None:
    found = metrics.gauge("open", "Doors.", ("where",), [(("north",), 2)])
    assert list(found.lines()) == ["# HELP open Doors.", "# TYPE open gauge", 'open{where="north"} 2']
