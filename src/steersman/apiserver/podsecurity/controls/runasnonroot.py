"""Restricted: containers run as somebody else than root, but for pods with users of their own."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers, setters

_REASON = "runAsNonRoot != true"


def check(subject: Subject) -> Violation | None:
    of_pod = subject.security.runAsNonRoot
    if who := setters(of_pod is False, subject.names(lambda context: context.runAsNonRoot is False)):
        return Violation(_REASON, f"{who} must not set securityContext.runAsNonRoot=false")
    unset = [] if of_pod else subject.names(lambda context: context.runAsNonRoot is None)
    if not unset:
        return None
    return Violation(_REASON, f"pod or {containers(unset)} must set securityContext.runAsNonRoot=true")


def check_35(subject: Subject) -> Violation | None:
    return None if subject.user_namespace else check(subject)


CONTROL = Control("runAsNonRoot", RESTRICTED, {0: check, 35: check_35})
