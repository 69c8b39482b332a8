"""Baseline: probes and lifecycle handlers name no host, as the node would ask whomever they name."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import AnyContainer, Subject, Violation, containers, plural, quoted
from steersman.kinds.types.core_v1 import LifecycleHandler, Probe


def check(subject: Subject) -> Violation | None:
    bad, named = set(), set()
    for container, _ in subject.containers:
        for action in _actions(container):
            for asked in (action.httpGet, action.tcpSocket):
                if asked is not None and asked.host:
                    bad.add(container.name)
                    named.add(asked.host)
    if not bad:
        return None
    verb = "uses" if len(bad) == 1 else "use"
    what = plural("probe or lifecycle host", len(named))
    return Violation("probe or lifecycle host", f"{containers(sorted(bad))} {verb} {what} {quoted(sorted(named))}")


def _actions(container: AnyContainer) -> Iterator[Probe | LifecycleHandler]:
    for probe in (container.livenessProbe, container.readinessProbe, container.startupProbe):
        if probe is not None:
            yield probe
    if container.lifecycle is not None:
        for handler in (container.lifecycle.postStart, container.lifecycle.preStop):
            if handler is not None:
                yield handler


CONTROL = Control("hostProbesAndHostLifecycle", BASELINE, {34: check})
