"""Baseline: pods share no namespace of the host."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation


def check(subject: Subject) -> Violation | None:
    spec = subject.spec
    if not (spec.hostNetwork or spec.hostPID or spec.hostIPC):
        return None
    shared = (("hostNetwork", spec.hostNetwork), ("hostPID", spec.hostPID), ("hostIPC", spec.hostIPC))
    return Violation("host namespaces", ", ".join(f"{name}=true" for name, value in shared if value))


CONTROL = Control("hostNamespaces", BASELINE, {0: check})
