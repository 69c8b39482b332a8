"""Baseline: no container is privileged, which would switch most protections off."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers


def check(subject: Subject) -> Violation | None:
    bad = subject.names(lambda context: context.privileged is True)
    return Violation("privileged", f"{containers(bad)} must not set securityContext.privileged=true") if bad else None


CONTROL = Control("privileged", BASELINE, {0: check})
