"""Baseline: no container of Windows is a process of the host."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, setters
from steersman.kinds.types.core_v1 import WindowsSecurityContextOptions


def check(subject: Subject) -> Violation | None:
    names = subject.names(lambda context: _is_bad(context.windowsOptions))
    who = setters(_is_bad(subject.security.windowsOptions), names)
    return (
        Violation("hostProcess", f"{who} must not set securityContext.windowsOptions.hostProcess=true") if who else None
    )


def _is_bad(options: WindowsSecurityContextOptions | None) -> bool:
    return options is not None and options.hostProcess is True


CONTROL = Control("windowsHostProcess", BASELINE, {0: check})
