"""Restricted: no container may gain more privileges than its parent, as by set-user-ID files."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers


def check(subject: Subject) -> Violation | None:
    bad = subject.names(lambda context: context.allowPrivilegeEscalation is not False)
    if not bad:
        return None
    detail = f"{containers(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def check_25(subject: Subject) -> Violation | None:
    return None if subject.windows else check(subject)


CONTROL = Control("allowPrivilegeEscalation", RESTRICTED, {8: check, 25: check_25})
