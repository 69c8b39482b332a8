"""Restricted: containers drop all capabilities, and add at most that of binding low ports."""

from __future__ import annotations

from steersman.apiserver.podsecurity.policy import RESTRICTED
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, containers, quoted

_ALLOWED = frozenset(("NET_BIND_SERVICE",))


def check(subject: Subject) -> Violation | None:
    keeping, adding, added = [], [], set()
    for container, context in subject.containers:
        capabilities = context.capabilities
        if capabilities is None or "ALL" not in (capabilities.drop or ()):
            keeping.append(container.name)
        if capabilities is not None and (more := set(capabilities.add or ()) - _ALLOWED):
            adding.append(container.name)
            added |= more
    wrong = []
    if keeping:
        wrong.append(f'{containers(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        what = quoted(sorted(added))
        wrong.append(f"{containers(adding)} must not include {what} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(wrong)) if wrong else None


def check_25(subject: Subject) -> Violation | None:
    return None if subject.windows else check(subject)


CONTROL = Control("capabilities_restricted", RESTRICTED, {22: check, 25: check_25}, ("capabilities_baseline",))
