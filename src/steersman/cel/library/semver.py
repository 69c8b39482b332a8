"""Semantic versions."""

from __future__ import annotations

import re

from steersman.cel.costs import laborious, traverse
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, function, method
from steersman.cel.types import BOOL, INT, STRING, opaque
from steersman.cel.values import Opaque

SEMVER_TYPE = opaque("kubernetes.Semver")
_NUMBER = r"(0|[1-9][0-9]{0,19})"
_SHAPE = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?", re.ASCII)
_MAX = 2**64 - 1


class Semver(Opaque):
    """A version; what follows the + takes no part in comparison."""

    __slots__ = ("numbers", "pre")
    cel_type = SEMVER_TYPE

    def __init__(self, text: str) -> None:
        """Raises EvalError."""
        found = _SHAPE.fullmatch(text) if len(text) < 10_000 else None
        if found is None:
            raise EvalError(f'Invalid semantic version "{text[:100]}"')
        self.numbers = tuple(int(found.group(at)) for at in (1, 2, 3))
        if max(self.numbers) > _MAX:
            raise EvalError(f'Invalid semantic version "{text[:100]}"')
        self.pre = (
            tuple(_identifier(part, text) for part in (found.group(4) or "").split(".")) if found.group(4) else ()
        )
        if found.group(5) and "" in found.group(5).split("."):
            raise EvalError("Build meta data is empty")

    def _key(self) -> tuple[object, ...]:
        return self.numbers, not self.pre, self.pre

    def compare(self, other: Semver) -> int:
        """-1, 0 or 1: a pre-release comes before its release, numbers before words."""
        return (self._key() > other._key()) - (self._key() < other._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def _identifier(part: str, text: str) -> tuple[int, int, str]:
    if not part:
        raise EvalError(f'Prerelease is empty in "{text[:100]}"')
    if not part.isdigit():
        return 1, 0, part
    if (part.startswith("0") and part != "0") or len(part) > 20:
        raise EvalError(f'Numeric PreRelease version must not contain leading zeroes "{part[:100]}"')
    return 0, int(part), ""


def _normalized(text: str) -> str:
    """The text without a leading v, without leading zeros, and with all three numbers."""
    core = text.removeprefix("v")
    parts = core.split(".", 2)
    for at, part in enumerate(parts):
        if len(part) > 1:
            trimmed = part.lstrip("0")
            parts[at] = trimmed if trimmed[:1].isdigit() else "0" + trimmed
    if len(parts) < 3:
        if any(mark in parts[-1] for mark in "+-"):
            raise EvalError("Short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return ".".join(parts)


def _parse(text: str, normalize: bool = False) -> Semver:
    return Semver(_normalized(text) if normalize else text)


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _parse(text, normalize)
    except EvalError:
        return False
    return True


_TRAVERSE = laborious(15, traverse())
_TWO = (SEMVER_TYPE, SEMVER_TYPE)

LIBRARY = Library(
    "kubernetes.semver",
    [
        function("semver", "string_to_semver", (STRING,), SEMVER_TYPE, _parse, _TRAVERSE),
        function("semver", "string_bool_to_semver", (STRING, BOOL), SEMVER_TYPE, _parse, _TRAVERSE),
        function("isSemver", "is_semver_string", (STRING,), BOOL, _is_semver, _TRAVERSE),
        function("isSemver", "is_semver_string_bool", (STRING, BOOL), BOOL, _is_semver, _TRAVERSE),
        method("isGreaterThan", "semver_is_greater_than", _TWO, BOOL, lambda a, b: a.compare(b) > 0),
        method("isLessThan", "semver_is_less_than", _TWO, BOOL, lambda a, b: a.compare(b) < 0),
        method("compareTo", "semver_compare_to", _TWO, INT, lambda a, b: a.compare(b)),
        method("major", "semver_major", (SEMVER_TYPE,), INT, lambda v: v.numbers[0]),
        method("minor", "semver_minor", (SEMVER_TYPE,), INT, lambda v: v.numbers[1]),
        method("patch", "semver_patch", (SEMVER_TYPE,), INT, lambda v: v.numbers[2]),
    ],
)
