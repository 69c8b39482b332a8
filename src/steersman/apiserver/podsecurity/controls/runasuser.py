"""Restricted: nobody asks for user 0, but for pods with users of their own."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, setters


def check(subject: Subject) -> Violation | None:
    who = setters(subject.security.runAsUser == 0, subject.names(lambda context: context.runAsUser == 0))
    return Violation("runAsUser=0", f"{who} must not set runAsUser=0") if who else None


def check_35(subject: Subject) -> Violation | None:
    return None if subject.user_namespace else check(subject)


CONTROL = Control("runAsUser", RESTRICTED, {23: check, 35: check_35})
