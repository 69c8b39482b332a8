"""What deployments, replica sets, daemon sets and stateful sets have in common: templates, counts, rollout bounds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.core import pod_validation

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodTemplateSpec
    from steersman.kinds.types.meta_v1 import LabelSelector

SPEC = Path("spec")
_PERCENT = re.compile("([0-9]+)%", re.ASCII)

IntOrPercent = int | str | None


def check_selector(selector: LabelSelector | None, template: PodTemplateSpec, owner: str) -> Errors:
    """The selector must be there, select something in particular, and select the template's pods."""
    at = SPEC.child("selector")
    errors: Errors = label_selector.check(selector, at)
    if selector is None:
        errors.append(field.required(at))
    elif not selector.matchLabels and not selector.matchExpressions:
        errors.append(field.invalid(at, selector, f"empty selector is invalid for {owner}"))
    return errors + label_selector.check_match(selector, template, SPEC)


def check_template(template: PodTemplateSpec, owner: str) -> Errors:
    """A template of pods that run for ever."""
    errors = pod_validation.check_template(template, SPEC.child("template"))
    at = SPEC.child("template", "spec")
    if template.spec.restartPolicy not in ("", "Always"):
        errors.append(field.not_supported(at.child("restartPolicy"), template.spec.restartPolicy, ("Always",)))
    if template.spec.activeDeadlineSeconds is not None:
        detail = f"activeDeadlineSeconds in {owner} is not Supported"
        errors.append(field.forbidden(at.child("activeDeadlineSeconds"), detail))
    return errors


def check_counts(obj: Any, path: Path, *attributes: str) -> Errors:
    """Numbers that may not be negative."""
    return [e for name in attributes for e in field.not_negative(path.child(name), getattr(obj, name))]


def check_bounds(status: Any, path: Path, *attributes: str) -> Errors:
    """Counts of replicas in a status that may not exceed the number of replicas."""
    detail = "cannot be greater than status.replicas"
    errors: Errors = []
    for name in attributes:
        count = getattr(status, name)
        errors += field.not_negative(path.child(name), count)
        if count > status.replicas:
            errors.append(field.invalid(path.child(name), count, detail))
    return errors


def check_int_or_percent(value: IntOrPercent, path: Path) -> Errors:
    """A count, or a percentage of the replicas."""
    if isinstance(value, str):
        return field.all_invalid(path, value, names.percent(value))
    return field.not_negative(path, value)


def check_at_most_all(value: IntOrPercent, path: Path) -> Errors:
    """A percentage of no more than everything."""
    percent = percentage(value)
    if percent is None or percent <= 100:
        return []
    return [field.invalid(path, value, "must not be greater than 100%")]


def percentage(value: IntOrPercent) -> int | None:
    """The number before the percent sign, or None for a plain count."""
    matched = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return int(matched[1]) if matched else None


def is_zero(value: IntOrPercent) -> bool:
    return value == 0 or percentage(value) == 0 or value is None
