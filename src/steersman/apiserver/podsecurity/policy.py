"""Which level of the Pod Security Standards, in which version, is enforced in a namespace, noted for audit and warned of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from steersman.api import field
from steersman.api.field import FieldError, Path

PREFIX: Final = "pod-security.kubernetes.io/"
# What is noted for an audit.
ENFORCED: Final = PREFIX + "enforce-policy"
VIOLATIONS: Final = PREFIX + "audit-violations"
EXEMPT: Final = PREFIX + "exempt"
ERROR: Final = PREFIX + "error"
PRIVILEGED, BASELINE, RESTRICTED = LEVELS = ("privileged", "baseline", "restricted")
LATEST: Final = 1 << 63
"""Newer than any minor version."""

_MODES = ("enforce", "audit", "warn")
_ORDERED = tuple(f"{PREFIX}{mode}{part}" for mode in _MODES for part in ("", "-version"))
NAMES: Final = frozenset(_ORDERED)
"""The labels that say it."""

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]{0,18})", re.ASCII)
_LABELS = Path("metadata", "labels")
_BAD_LEVEL = f"must be one of {', '.join(LEVELS)}"
_BAD_VERSION = 'must be "latest" or "v1.x"'


class Standard(NamedTuple):
    """A level of the standards as of a minor version of Kubernetes."""

    level: str = PRIVILEGED
    version: int = LATEST

    def __str__(self) -> str:
        return f"{self.level}:latest" if self.version == LATEST else f"{self.level}:v1.{self.version}"

    def equivalent(self, other: Standard) -> bool:
        """Whether both ask the same: nothing is asked in any version of `privileged`."""
        return self == other or self.level == other.level == PRIVILEGED


class Policy(NamedTuple):
    """What holds in a namespace."""

    enforce: Standard = Standard()
    audit: Standard = Standard()
    warn: Standard = Standard()

    @property
    def privileged(self) -> bool:
        """Whether nothing is asked of pods."""
        return self.enforce.level == PRIVILEGED and self.audit.level == PRIVILEGED and self.warn.level == PRIVILEGED

    def equivalent(self, other: Policy) -> bool:
        return (
            self.enforce.equivalent(other.enforce)
            and self.audit.equivalent(other.audit)
            and self.warn.equivalent(other.warn)
        )


_PRIVILEGED = Policy()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What holds where labels say nothing, and whom it does not concern: those are evaluated in no mode."""

    defaults: Policy = _PRIVILEGED
    usernames: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    runtime_classes: frozenset[str] = frozenset()


def rank(level: str) -> int:
    """Greater for a level that asks more."""
    return LEVELS.index(level)


def check_level(text: str, path: Path) -> list[FieldError]:
    return [] if text in LEVELS else [field.invalid(path, text, _BAD_LEVEL)]


def parse_version(text: str) -> int | None:
    """The minor version; None when there is no such version."""
    if text == "latest":
        return LATEST
    found = _VERSION.fullmatch(text)
    minor = int(found[1]) if found is not None else LATEST
    return minor if minor < LATEST else None


def check_version(text: str, path: Path) -> list[FieldError]:
    return [] if parse_version(text) is not None else [field.invalid(path, text, _BAD_VERSION)]


def of_labels(labels: Mapping[str, str] | None, defaults: Policy) -> tuple[Policy, list[FieldError]]:
    """What a namespace's labels and the defaults for what they do not say come to, and which labels cannot be read.

    A level that cannot be read is enforced as `restricted`, and otherwise not asked about; an unreadable version is the
    latest. Who has pods refused is warned at the same level, if not told otherwise.
    """
    if not labels or NAMES.isdisjoint(labels):
        return defaults, []
    policy, errors = _read(tuple(labels.get(name) for name in _ORDERED), defaults)
    return policy, list(errors)


@lru_cache(maxsize=256)
def _read(values: tuple[str | None, ...], defaults: Policy) -> tuple[Policy, tuple[FieldError, ...]]:
    """As above, of the labels' values."""
    labels = {name: value for name, value in zip(_ORDERED, values, strict=True) if value is not None}
    errors: list[FieldError] = []
    enforce = _standard(labels, "enforce", defaults.enforce, RESTRICTED, errors)
    audit = _standard(labels, "audit", defaults.audit, PRIVILEGED, errors)
    warn = _standard(labels, "warn", defaults.warn, PRIVILEGED, errors)
    enforced = labels.get(PREFIX + "enforce") in LEVELS
    if PREFIX + "warn" not in labels and enforced and rank(enforce.level) > rank(warn.level):
        warn = Standard(enforce.level, warn.version if PREFIX + "warn-version" in labels else enforce.version)
    return Policy(enforce, audit, warn), tuple(errors)


def _standard(
    labels: Mapping[str, str], mode: str, default: Standard, unreadable: str, errors: list[FieldError]
) -> Standard:
    level, version = default.level, default.version
    name = PREFIX + mode
    if (text := labels.get(name)) is not None:
        wrong = check_level(text, _LABELS.key(name))
        level = unreadable if wrong else text
        errors += wrong
    name += "-version"
    if (text := labels.get(name)) is not None:
        minor = parse_version(text)
        version = LATEST if minor is None else minor
        errors += check_version(text, _LABELS.key(name))
    return Standard(level, version)
