"""Validation of what a pod waits for after devices were chosen, and of what its node need not do for them."""

from __future__ import annotations

from collections.abc import Sequence

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.resource.bounded import check_set
from steersman.kinds.resource.names_rules import check_label_key

_MAX_CONDITIONS = 4
_PREPARE, _UNPREPARE, _EVERY = "NodePrepareResources", "NodeUnprepareResources", "*"


def check_conditions(good: Sequence[str] | None, bad: Sequence[str] | None, path: Path) -> Errors:
    """Conditions that end the waiting, well or badly: there are both or none, and none is in both lists."""
    good, bad = good or [], bad or []
    good_at, bad_at = path.child("bindingConditions"), path.child("bindingFailureConditions")
    errors = check_set(good, _MAX_CONDITIONS, check_label_key, good_at)
    errors += check_set(bad, _MAX_CONDITIONS, check_label_key, bad_at)
    overlap = "bindingFailureConditions must not overlap with bindingConditions"
    errors += [field.invalid(bad_at.index(i), c, overlap) for i, c in enumerate(bad) if c in good]
    if bad and not good:
        errors.append(field.invalid(good_at, good, "bindingConditions are required to use bindingFailureConditions"))
    if good and not bad:
        errors.append(field.invalid(bad_at, bad, "bindingFailureConditions are required to use bindingConditions"))
    return errors


def check_skipped(operations: Sequence[str] | None, path: Path) -> Errors:
    """What was not prepared need not be cleaned up either."""
    given = operations or []
    choices = (_EVERY, _PREPARE, _UNPREPARE)
    errors = check_set(given, -1, lambda o, p: field.check_choice(o, choices, p), path)
    if _PREPARE in given and _UNPREPARE not in given and _EVERY not in given:
        detail = "NodePrepareResources cannot be skipped unless NodeUnprepareResources is also skipped"
        errors.append(field.invalid(path, given, detail))
    return errors
