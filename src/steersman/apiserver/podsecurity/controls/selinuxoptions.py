"""Baseline: of SELinux's options only the type is chosen, and among those made for containers."""

from __future__ import annotations

from functools import partial

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation, plural, quoted, setters
from steersman.kinds.types.core_v1 import SELinuxOptions

_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t"))
_TYPES_31 = _TYPES | {"container_engine_t"}


def check(types: frozenset[str], subject: Subject) -> Violation | None:
    def is_bad(options: SELinuxOptions | None) -> bool:
        return options is not None and (options.type not in types or bool(options.user or options.role))

    names = subject.names(lambda context: is_bad(context.seLinuxOptions))
    who = setters(is_bad(subject.security.seLinuxOptions), names)
    return Violation("seLinuxOptions", _detail(types, subject, who)) if who else None


def _detail(types: frozenset[str], subject: Subject, who: str) -> str:
    every = [subject.security.seLinuxOptions, *(context.seLinuxOptions for _, context in subject.containers)]
    given = [options for options in every if options is not None]
    wrong = []
    if bad := sorted({options.type for options in given} - types):
        wrong.append(f"{plural('type', len(bad))} {quoted(bad)}")
    if any(options.user for options in given):
        wrong.append("user may not be set")
    if any(options.role for options in given):
        wrong.append("role may not be set")
    return f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(wrong)}"


CONTROL = Control("seLinuxOptions", BASELINE, {0: partial(check, _TYPES), 31: partial(check, _TYPES_31)})
