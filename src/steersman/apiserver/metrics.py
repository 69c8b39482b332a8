"""What the API server has done, in the text format that Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
Series = tuple[str, str, str, str, str]
"""verb, group, version, resource, subresource"""


class _Histogram:
    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.total = 0.0


class Metrics:
    """Counters of one server. All methods are synchronous and cheap."""

    def __init__(self) -> None:
        self.watches = 0
        self._requests: dict[tuple[Series, int], int] = {}
        self._durations: dict[Series, _Histogram] = {}

    def observe(self, series: Series, code: int, seconds: float) -> None:
        """One answered request."""
        key = (series, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        histogram = self._durations.get(series)
        if histogram is None:
            histogram = self._durations[series] = _Histogram()
        histogram.counts[bisect_left(_BUCKETS, seconds)] += 1
        histogram.total += seconds

    def requested(self) -> list[tuple[str, str, str, str]]:
        """Group, version, resource and subresource of everything that has been asked for."""
        return sorted({series[1:] for series, _ in self._requests})

    def render(self, gauges: Iterator[tuple[str, str, float]]) -> str:
        """Everything; `gauges` are further (name, labels, value), those of one name together."""
        lines = [
            "# HELP apiserver_request_total Requests by verb, resource and response code.",
            "# TYPE apiserver_request_total counter",
        ]
        for (series, code), count in sorted(self._requests.items()):
            lines.append(f'apiserver_request_total{{{_labels(series)},code="{code}"}} {count}')
        lines.append("# HELP apiserver_request_duration_seconds How long requests took, but for watches.")
        lines.append("# TYPE apiserver_request_duration_seconds histogram")
        for series, histogram in sorted(self._durations.items(), key=lambda item: item[0]):
            lines.extend(_render(series, histogram))
        lines.append("# TYPE apiserver_longrunning_requests gauge")
        lines.append(f'apiserver_longrunning_requests{{verb="WATCH"}} {self.watches}')
        name = ""
        for gauge, labels, value in gauges:
            if gauge != name:
                lines.append(f"# TYPE {gauge} gauge")
                name = gauge
            lines.append(f"{gauge}{{{labels}}} {value:g}" if labels else f"{gauge} {value:g}")
        return "\n".join(lines) + "\n"


def _labels(series: Series) -> str:
    verb, group, version, resource, subresource = map(_escaped, series)
    return (
        f'verb="{verb.upper()}",group="{group}",version="{version}",resource="{resource}",subresource="{subresource}"'
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _render(series: Series, histogram: _Histogram) -> Iterator[str]:
    name = "apiserver_request_duration_seconds"
    return histogram_lines(name, _labels(series), _BUCKETS, histogram.counts, histogram.total)


def histogram_lines(
    name: str, labels: str, bounds: Sequence[float], counts: Sequence[int], total: float, seen: int = 0
) -> Iterator[str]:
    """A histogram. `counts` has one number more than `bounds`; `seen` values of zero are not in it."""
    for bound, count in zip(bounds, counts, strict=False):
        seen += count
        yield f'{name}_bucket{{{labels},le="{bound:g}"}} {seen}'
    seen += counts[-1]
    yield f'{name}_bucket{{{labels},le="+Inf"}} {seen}'
    yield f"{name}_sum{{{labels}}} {total:.6f}"
    yield f"{name}_count{{{labels}}} {seen}"
