"""Baseline: nobody turns AppArmor off, by field or by annotation."""

from __future__ import annotations

from steersman.api.field import quote
from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, plural, quoted, setters
from steersman.kinds.core.annotations import APP_ARMOR
from steersman.kinds.types.core_v1 import AppArmorProfile

_ALLOWED = ("RuntimeDefault", "Localhost")


def check(subject: Subject) -> Violation | None:
    of_pod = _is_bad(subject.security.appArmorProfile)
    names = subject.names(lambda context: _is_bad(context.appArmorProfile))
    notes = sorted(
        f"{key}={quote(value)}"
        for key, value in subject.annotations.items()
        if key.startswith(APP_ARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    )
    who = [w for w in (setters(of_pod, names), plural("annotation", len(notes)) if notes else "") if w]
    if not who:
        return None
    values = _values(subject) + notes
    reason = plural("forbidden AppArmor profile", len(values))
    return Violation(reason, f"{' and '.join(who)} must not set AppArmor profile type to {quoted(values)}")


def _is_bad(profile: AppArmorProfile | None) -> bool:
    return profile is not None and profile.type not in _ALLOWED


def _values(subject: Subject) -> list[str]:
    profiles = [subject.security.appArmorProfile, *(context.appArmorProfile for _, context in subject.containers)]
    return sorted({profile.type for profile in profiles if profile is not None and _is_bad(profile)})


CONTROL = Control("appArmorProfile", BASELINE, {0: check})
