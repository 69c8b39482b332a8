"""Baseline: nobody turns seccomp off, in old versions by annotation, then by field."""

from __future__ import annotations

from steersman.api.field import quote
from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, plural, quoted, setters
from steersman.kinds.core.annotations import SECCOMP, SECCOMP_POD
from steersman.kinds.types.core_v1 import SeccompProfile

ALLOWED = ("RuntimeDefault", "Localhost")
REASON = "seccompProfile"


def check(subject: Subject) -> Violation | None:
    keys = {SECCOMP_POD, *(SECCOMP + container.name for container, _ in subject.containers)}
    bad = sorted(
        f"{key}={quote(value)}"
        for key in keys
        if (value := subject.annotations.get(key)) is not None
        and value not in ("runtime/default", "docker/default")
        and not value.startswith("localhost/")
    )
    return Violation(REASON, f"forbidden {plural('annotation', len(bad))} {', '.join(bad)}") if bad else None


def check_19(subject: Subject) -> Violation | None:
    of_pod = subject.security.seccompProfile
    who = setters(is_bad(of_pod), subject.names(lambda context: is_bad(context.seccompProfile)))
    if not who:
        return None
    profiles = [of_pod, *(context.seccompProfile for _, context in subject.containers)]
    values = sorted({profile.type for profile in profiles if profile is not None and is_bad(profile)})
    return Violation(REASON, f"{who} must not set securityContext.seccompProfile.type to {quoted(values)}")


def is_bad(profile: SeccompProfile | None) -> bool:
    return profile is not None and profile.type not in ALLOWED


CONTROL = Control("seccompProfile_baseline", BASELINE, {0: check, 19: check_19})
