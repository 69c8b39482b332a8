"""What is wrong with what a policy or a binding matches (`matchConstraints`, `matchResources`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.admissionregistration.webhook_validation import validate_rule

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import MatchResources, NamedRuleWithOperations
    from steersman.kinds.types.meta_v1 import LabelSelector

MUTABLE = ("*", "CONNECT", "CREATE", "UPDATE")
"""The operations whose objects can be changed."""


def validate(match: MatchResources | None, path: Path) -> Errors:
    if match is None:
        return []
    errors = field.check_choice(match.matchPolicy, ("Equivalent", "Exact"), path.child("matchPolicy"))
    errors += _selector(match.namespaceSelector, path.child("namespaceSelector"))
    errors += _selector(match.objectSelector, path.child("objectSelector"))
    for name, rules in (("resourceRules", match.resourceRules), ("excludeResourceRules", match.excludeResourceRules)):
        for index, rule in enumerate(rules or ()):
            errors += _rule(rule, path.child(name).index(index))
    return errors


def validate_constraints(match: MatchResources | None, path: Path, operations: Sequence[str] = ()) -> Errors:
    """As above, for a policy, which must have rules; `operations` are those that it may name, if not all."""
    if match is None:
        return [field.required(path)]
    errors = validate(match, path)
    if not match.resourceRules:
        # They say which types the expressions are about.
        errors.append(field.required(path.child("resourceRules")))
    return errors + validate_operations(match, path, operations)


def validate_operations(match: MatchResources | None, path: Path, operations: Sequence[str]) -> Errors:
    if match is None or not operations:
        return []
    where = path.child("resourceRules", "operations")
    return [field.not_supported(where, o, operations) for o in _operations(match) if o not in operations]


def _operations(match: MatchResources) -> Iterable[str]:
    return (operation for rule in match.resourceRules or () for operation in rule.operations or ())


def _selector(selector: LabelSelector | None, path: Path) -> Errors:
    return [field.required(path)] if selector is None else label_selector.check(selector, path)


def _rule(rule: NamedRuleWithOperations, path: Path) -> Errors:
    errors: Errors = []
    given = rule.resourceNames or []
    for index, name in enumerate(given):
        where = path.child("resourceNames").index(index)
        errors += field.all_invalid(where, name, names.path_segment(name))
        if name in given[:index]:
            errors.append(field.duplicate(where, name))
    return errors + validate_rule(rule, path)
