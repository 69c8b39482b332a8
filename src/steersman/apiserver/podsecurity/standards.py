"""The controls of each level in each version of the Pod Security Standards, and what they say about a pod."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from steersman.apiserver.podsecurity.policy import BASELINE, PRIVILEGED, RESTRICTED, Standard
from steersman.apiserver.podsecurity.subject import Subject, Violation

Check = Callable[[Subject], Violation | None]


@dataclass(frozen=True, slots=True)
class Control:
    """One control: a check for each minor version of Kubernetes from which on it is another one, ascending.

    `replaces` are controls of the baseline that are not asked at the restricted level, where this one says more.
    """

    name: str
    level: str
    versions: Mapping[int, Check]
    replaces: tuple[str, ...] = ()

    def at(self, minor: int) -> Check | None:
        """The check as of a version; None before the first."""
        known = [since for since in self.versions if since <= minor]
        return self.versions[known[-1]] if known else None


@cache
def discover() -> tuple[Control, ...]:
    """Every control: those of the baseline first, each level's by name."""
    package = importlib.import_module("steersman.apiserver.podsecurity.controls")
    found = []
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        control = importlib.import_module(module.name).CONTROL
        if not isinstance(control, Control):
            raise TypeError(f"{module.name}.CONTROL is not a Control")
        found.append(control)
    return tuple(sorted(found, key=lambda c: (c.level, c.name)))


@cache
def newest() -> int:
    """The last version in which a control has changed; those after it are the same."""
    return max(max(control.versions) for control in discover())


@cache
def _checks(level: str, minor: int) -> Sequence[Check]:
    wanted = [
        (control, control.at(minor)) for control in discover() if level == RESTRICTED or control.level == BASELINE
    ]
    replaced = {name for control, check in wanted if check is not None for name in control.replaces}
    return [check for control, check in wanted if check is not None and control.name not in replaced]


def evaluate(standard: Standard, subject: Subject) -> list[Violation]:
    """What keeps the pod from the level; nothing when it is allowed."""
    if standard.level == PRIVILEGED:
        return []
    checks = _checks(standard.level, min(standard.version, newest()))
    return [violation for check in checks if (violation := check(subject)) is not None]


def reasons(violations: Sequence[Violation]) -> str:
    """What the violations are about, in short."""
    return ", ".join(violation.reason for violation in violations)


def details(violations: Sequence[Violation]) -> str:
    """What the violations are, in full."""
    return ", ".join(f"{v.reason} ({v.detail})" if v.detail else v.reason for v in violations)
