"""Validation of LabelSelector fields, shared by every kind that selects objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, labels, names
from steersman.api.field import Errors, Path
from steersman.api.labels import Selector
from steersman.kinds.metadata import validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PodTemplateSpec
    from steersman.kinds.types.meta_v1 import LabelSelector, LabelSelectorRequirement


def check(selector: LabelSelector | None, path: Path) -> Errors:
    """What is wrong with a selector; an absent one is fine."""
    if selector is None:
        return []
    errors = validate_labels(selector.matchLabels, path.child("matchLabels"))
    for i, requirement in enumerate(selector.matchExpressions or ()):
        errors += _check_requirement(requirement, path.child("matchExpressions").index(i))
    return errors


def check_match(selector: LabelSelector | None, template: PodTemplateSpec, path: Path) -> Errors:
    """The template's labels must be selected; a malformed selector is reported elsewhere."""
    compiled = compiled_or_none(selector)
    if compiled is None or compiled.empty or compiled.matches(template.metadata.labels):
        return []
    at = path.child("template", "metadata", "labels")
    return [field.invalid(at, template.metadata.labels, "`selector` does not match template `labels`")]


def compiled_or_none(selector: LabelSelector | None) -> Selector | None:
    """The selector ready to match, or None when it is malformed."""
    try:
        return labels.from_object(selector)
    except labels.SelectorError:
        return None


def _check_requirement(requirement: LabelSelectorRequirement, path: Path) -> Errors:
    errors: Errors = []
    values = requirement.values or []
    if requirement.operator in ("In", "NotIn"):
        if not values:
            errors.append(field.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
    elif requirement.operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(
                field.forbidden(
                    path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                )
            )
    else:
        errors.append(field.invalid(path.child("operator"), requirement.operator, "not a valid selector operator"))
    key = requirement.key
    errors += field.all_invalid(path.child("key"), key, names.qualified_name(key))
    for i, value in enumerate(values):
        errors += field.all_invalid(path.child("values").index(i), value, names.label_value(value))
    return errors
