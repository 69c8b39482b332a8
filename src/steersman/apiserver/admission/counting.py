"""What plugins, webhooks and policies have had to say to writes, and how long that took, by upstream's names.

A write notes the time after each plugin, and nothing else: many writes are taken apart at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import sub
from typing import ClassVar

from steersman.api.metrics import Counter, Histogram, Metric, Samples, line, pairs

ADMIT, VALIDATE = "admit", "validate"
_WRITES = 64
_PREFIX = "apiserver_admission_"
_STEP = ("type", "operation", "rejected")
_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_HOOK = ("name", "type", "operation")
_CONDITION = ("name", "kind", "type", "operation")
_CHECK = ("policy", "policy_binding", "error_type", "enforcement_action")
_CHECK_SECONDS = (0.0000005, 0.001, 0.01, 0.1, 1.0)
_QUANTILES = (0.5, 0.9, 0.99)
_RECENT = 512
_MOST_CODE = 600
# Why a write is not done after a webhook was asked.
REFUSED, NOT_CALLED, OWN_ERROR = "no_error", "calling_webhook_error", "apiserver_internal_error"


class Summary(Metric):
    """Quantiles of the last values, and the sum of all."""

    kind: ClassVar[str] = "summary"

    def __init__(self, name: str, text: str, labels: tuple[str, ...], histogram: Histogram) -> None:
        """`histogram` has the same series; what it counts is not counted again."""
        super().__init__(name, text, labels)
        self._histogram = histogram
        self.recent: dict[tuple[str, ...], deque[float]] = {}

    def of(self, *labels: str) -> deque[float]:
        """Where the values of a series go."""
        return self.recent.setdefault(labels, deque(maxlen=_RECENT))

    def series(self) -> Iterator[str]:
        for values, recent in sorted(self.recent.items(), key=lambda item: item[0]):
            samples, ordered = self._histogram.of(*values), sorted(recent)
            samples.fold()
            if not ordered:
                continue
            labels = pairs(self.labels, values)
            for quantile in _QUANTILES:
                at = min(int(quantile * len(ordered)), len(ordered) - 1)
                yield line(self.name, f'{labels},quantile="{quantile}"', ordered[at])
            yield line(f"{self.name}_sum", labels, samples.total)
            yield line(f"{self.name}_count", labels, sum(samples.counts))


class Counts:
    """Admission of one server."""

    def __init__(self) -> None:
        self._lanes: list[Lane] = []
        of_plugins = "How long admission plugins took."
        self.plugins = Histogram(
            f"{_PREFIX}controller_admission_duration_seconds", of_plugins, ("name", *_STEP), _SECONDS
        )
        name = f"{_PREFIX}step_admission_duration_seconds"
        self.steps = Histogram(name, "How long all of admission took, by its two steps.", _STEP, _SECONDS)
        self.recent = Summary(f"{name}_summary", "Quantiles of the last of them.", _STEP, self.steps)
        self.webhooks = Histogram(
            f"{_PREFIX}webhook_admission_duration_seconds",
            "How long webhooks took.",
            (*_HOOK, "rejected"),
            (*_SECONDS, 10.0, 25.0),
        )
        self.asked = Counter(f"{_PREFIX}webhook_request_total", "Questions to webhooks.", (*_HOOK, "code", "rejected"))
        self.rejections = Counter(
            f"{_PREFIX}webhook_rejection_count",
            "Writes that a webhook, or its failure, has kept from being done.",
            (*_HOOK, "error_type", "rejection_code"),
        )
        self.failed_open = Counter(
            f"{_PREFIX}webhook_fail_open_count", "Failures of webhooks that were passed over.", ("name", "type")
        )
        self.condition_errors = Counter(
            f"{_PREFIX}match_condition_evaluation_errors_total", "Match conditions that failed.", _CONDITION
        )
        self.exclusions = Counter(
            f"{_PREFIX}match_condition_exclusions_total", "Writes that match conditions left out.", _CONDITION
        )
        self.conditions = Histogram(
            f"{_PREFIX}match_condition_evaluation_seconds",
            "How long match conditions took.",
            _CONDITION,
            (0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
        )
        self._checks = {
            kind: (
                Counter(f"apiserver_{kind}_admission_policy_check_total", f"What {kind} policies did.", labels),
                Histogram(
                    f"apiserver_{kind}_admission_policy_check_duration_seconds",
                    f"How long expressions of {kind} policies took.",
                    labels,
                    _CHECK_SECONDS,
                ),
            )
            for kind, labels in (("validating", _CHECK), ("mutating", _CHECK[:-1]))
        }

    def lane(self, names: Sequence[str], step: str, operation: str, now: Callable[[], float]) -> Lane:
        """Where the times of writes go that all concern these plugins."""
        lane = Lane(self, names, step, operation, now)
        self._lanes.append(lane)
        return lane

    def answered(self, hook: tuple[str, str, str], seconds: float, code: int, error: str = "") -> None:
        """A webhook (name, type, operation) was asked. `error` says why the write is not done for its sake; "" if it is."""
        shown = str(min(code, _MOST_CODE))
        if error:
            self.rejections.add(*hook, error, shown)
        rejected = "true" if error else "false"
        self.asked.add(*hook, shown, rejected)
        self.webhooks.observe(seconds, *hook, rejected)

    def checked(self, kind: str, labels: tuple[str, ...], seconds: float) -> None:
        """What an expression of a validating or mutating policy has come to: policy, binding, kind of error, and, where it
        validates, what is done about it."""
        counter, histogram = self._checks[kind]
        counter.add(*labels)
        histogram.observe(seconds, *labels)

    def metrics(self) -> Iterator[Metric]:
        """All of it."""
        for lane in self._lanes:
            lane.fold()
        yield from (self.steps, self.recent, self.plugins, self.webhooks, self.asked, self.rejections, self.failed_open)
        yield from (self.condition_errors, self.exclusions, self.conditions)
        for pair in self._checks.values():
            yield from pair


class Lane:
    """The times of writes that concern the same plugins. A write's are a list: when it began, and after each plugin."""

    def __init__(
        self, counts: Counts, names: Sequence[str], step: str, operation: str, now: Callable[[], float]
    ) -> None:
        self._counts, self._names, self._step, self._operation = counts, tuple(names), step, operation
        self.now = now
        self._plugins: list[Samples] = []
        self._times: list[list[float]] = []

    def passed(self, times: list[float]) -> None:
        """No plugin objects."""
        self._times.append(times)
        if len(self._times) >= _WRITES:
            self.fold()

    def stopped(self, times: list[float]) -> None:
        """The plugin after the last time does."""
        done, plugins = len(times) - 1, self._counts.plugins
        for name, seconds in zip(self._names, map(sub, times[1:], times), strict=False):
            plugins.observe(seconds, name, self._step, self._operation, "false")
        end = self.now()
        plugins.observe(end - times[-1], self._names[done], self._step, self._operation, "true")
        self._whole([end - times[0]], "true")

    def fold(self) -> None:
        """Takes apart what waits."""
        if not self._times:
            return
        if not self._plugins:
            labels = self._step, self._operation, "false"
            self._plugins = [self._counts.plugins.of(name, *labels) for name in self._names]
        columns = list(zip(*self._times, strict=True))
        self._times.clear()
        wholes = list(map(sub, columns[-1], columns[0]))
        if max(wholes) <= _SECONDS[0]:
            # Then no plugin has taken longer: it is as quick as it is common.
            sums = list(map(sum, columns))
            for samples, before, after in zip(self._plugins, sums[:-1], sums[1:], strict=True):
                samples.add(len(wholes), max(after - before, 0.0))
        else:
            for samples, began, ended in zip(self._plugins, columns[:-1], columns[1:], strict=True):
                samples.pending.extend(map(sub, ended, began))
                samples.fold()
        self._whole(wholes, "false")

    def _whole(self, seconds: list[float], rejected: str) -> None:
        samples = self._counts.steps.of(self._step, self._operation, rejected)
        samples.pending.extend(seconds)
        self._counts.recent.of(self._step, self._operation, rejected).extend(seconds)
        samples.fold()
