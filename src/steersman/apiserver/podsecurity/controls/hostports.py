"""Baseline: containers take no ports of the host."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers, plural


def check(subject: Subject) -> Violation | None:
    bad, taken = [], set()
    for container, _ in subject.containers:
        if ports := {str(port.hostPort) for port in container.ports or () if port.hostPort}:
            bad.append(container.name)
            taken |= ports
    if not bad:
        return None
    verb = "uses" if len(bad) == 1 else "use"
    detail = f"{containers(bad)} {verb} {plural('hostPort', len(taken))} {', '.join(sorted(taken))}"
    return Violation("hostPort", detail)


CONTROL = Control("hostPorts", BASELINE, {0: check})
