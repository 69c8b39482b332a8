"""Baseline: what is masked in /proc stays masked, but for pods with users of their own."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers, quoted


def check(subject: Subject) -> Violation | None:
    bad = [(c.name, context.procMount) for c, context in subject.containers if context.procMount not in ("", "Default")]
    if not bad:
        return None
    values = quoted(sorted({value for _, value in bad}))
    detail = f"{containers([name for name, _ in bad])} must not set securityContext.procMount to {values}"
    return Violation("procMount", detail)


def check_35(subject: Subject) -> Violation | None:
    return None if subject.user_namespace else check(subject)


CONTROL = Control("procMount", BASELINE, {0: check, 35: check_35})
