"""Restricted: every container has a seccomp profile, of its own or the pod's."""

from __future__ import annotations

from steersman.apiserver.podsecurity.controls.seccompprofile_baseline import REASON, check_19
from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers


def check(subject: Subject) -> Violation | None:
    if (bad := check_19(subject)) is not None:
        return bad
    if subject.security.seccompProfile is not None:
        return None
    unset = subject.names(lambda context: context.seccompProfile is None)
    if not unset:
        return None
    wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Violation(REASON, f"pod or {containers(unset)} {wanted}")


def check_25(subject: Subject) -> Violation | None:
    return None if subject.windows else check(subject)


CONTROL = Control("seccompProfile_restricted", RESTRICTED, {19: check, 25: check_25}, ("seccompProfile_baseline",))
