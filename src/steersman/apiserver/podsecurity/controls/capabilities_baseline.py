"""Baseline: containers add no capabilities beyond those that they have by default."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers, quoted

_ALLOWED = frozenset(
    (
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    )
)  # fmt: skip


def check(subject: Subject) -> Violation | None:
    bad, added = [], set()
    for container, context in subject.containers:
        if context.capabilities is not None and (more := set(context.capabilities.add or ()) - _ALLOWED):
            bad.append(container.name)
            added |= more
    if not bad:
        return None
    detail = f"{containers(bad)} must not include {quoted(sorted(added))} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail)


CONTROL = Control("capabilities_baseline", BASELINE, {0: check})
