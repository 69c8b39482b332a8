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
_PERCENT = re.compile("0*([0-9]+)%", re.ASCII)
_MOST_DIGITS = 19
_MAX_INT = 2**63 - 1

IntOrPercent = int | str | None


def check_selector(selector: LabelSelector | None, owner: str, malformed: str = "invalid label selector") -> Errors:
    """The selector must be there and select something in particular; `malformed` is said of one that cannot be read."""
    at = SPEC.child("selector")
    if selector is None:
        return [field.required(at)]
    errors: Errors = label_selector.check(selector, at)
    if not selector.matchLabels and not selector.matchExpressions:
        errors.append(field.invalid(at, selector, f"empty selector is invalid for {owner}"))
    if label_selector.compiled_or_none(selector) is None:
        errors.append(field.invalid(at, selector, malformed))
    return errors


def check_pods(selector: LabelSelector | None, template: PodTemplateSpec, owner: str) -> Errors:
    """As `check_template`, of a template whose pods must be selected; a selector that cannot be read is enough."""
    if label_selector.compiled_or_none(selector) is None:
        return []
    return label_selector.check_match(selector, template, SPEC) + check_template(template, owner)


def check_template(template: PodTemplateSpec, owner: str) -> Errors:
    """A template of pods that run for ever."""
    return pod_validation.check_template(template, SPEC.child("template")) + check_for_ever(template, owner)


def check_for_ever(template: PodTemplateSpec, owner: str) -> Errors:
    """What keeps the pods of a template from running for ever."""
    errors: Errors = []
    at = SPEC.child("template", "spec")
    if template.spec.restartPolicy != "Always":
        errors.append(field.not_supported(at.child("restartPolicy"), template.spec.restartPolicy, ("Always",)))
    if template.spec.activeDeadlineSeconds is not None:
        detail = f"activeDeadlineSeconds in {owner} is not Supported"
        errors.append(field.forbidden(at.child("activeDeadlineSeconds"), detail))
    return errors


def check_counts(obj: Any, path: Path, *attributes: str) -> Errors:
    """Numbers that may not be negative."""
    return [e for name in attributes for e in field.not_negative(path.child(name), getattr(obj, name))]


def check_bounds(status: Any, path: Path, *attributes: str, ready: str = "readyReplicas") -> Errors:
    """Counts of replicas in a status that may not exceed the number of replicas; what is available is ready.

    `ready` is what the message calls the number of those that are.
    """
    detail = "cannot be greater than status.replicas"
    errors = [
        field.invalid(path.child(name), getattr(status, name), detail)
        for name in attributes
        if getattr(status, name) > status.replicas
    ]
    if status.availableReplicas > status.readyReplicas:
        at = path.child("availableReplicas")
        errors.append(field.invalid(at, status.availableReplicas, f"cannot be greater than {ready}"))
    return errors


def check_collisions(status: Any, old: Any, path: Path) -> Errors:
    """The count of collisions of names only grows."""
    now, before = status.collisionCount, old.collisionCount
    if before is None or (now is not None and now >= before):
        return []
    return [field.invalid(path.child("collisionCount"), now or 0, "cannot be decremented")]


def shown(strategy: Any, *fields: str) -> field.Internal:
    """A strategy as messages show it; `fields` are those of its rolling update."""
    rolling = strategy.rollingUpdate
    inner = None
    if rolling is not None:
        inner = field.Internal({name[0].upper() + name[1:]: getattr(rolling, name) for name in fields})
    return field.Internal({"Type": strategy.type, "RollingUpdate": inner})


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
    """The number before the percent sign, or None for a plain count, and for what is no number in Go any more."""
    matched = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if matched is None or len(matched[1]) > _MOST_DIGITS:
        return None
    number = int(matched[1])
    return number if number <= _MAX_INT else None


def is_zero(value: IntOrPercent) -> bool:
    return value == 0 or percentage(value) == 0 or value is None
