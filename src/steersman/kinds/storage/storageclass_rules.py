"""Validation of StorageClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core import node_label_warnings
from steersman.kinds.storage.parameters import check_driver, check_parameters

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import TopologySelectorLabelRequirement, TopologySelectorTerm
    from steersman.kinds.types.storage_v1 import StorageClass

_RECLAIM = ("Delete", "Retain")
_BINDING = ("Immediate", "WaitForFirstConsumer")


def check(obj: StorageClass) -> Errors:
    errors = check_driver(obj.provisioner, Path("provisioner"))
    errors += check_parameters(obj.parameters, Path("parameters"))
    if obj.reclaimPolicy and obj.reclaimPolicy not in _RECLAIM:
        errors.append(field.not_supported(Path("reclaimPolicy"), obj.reclaimPolicy, _RECLAIM))
    errors += field.check_choice(obj.volumeBindingMode, _BINDING, Path("volumeBindingMode"))
    return errors + _check_topologies(obj.allowedTopologies or [], Path("allowedTopologies"))


def check_update(obj: StorageClass, old: StorageClass) -> Errors:
    return [
        error
        for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
        for error in field.immutable(Path(name), getattr(obj, name), getattr(old, name))
    ]


def _check_topologies(terms: list[TopologySelectorTerm], path: Path) -> Errors:
    errors: Errors = []
    # A term that demands nothing is as good as none.
    seen: set[frozenset[tuple[str, frozenset[str]]]] = {frozenset()}
    for i, term in enumerate(terms):
        errors += _check_term(term, path.index(i).child("matchLabelExpressions"))
        by_key = {r.key: frozenset(r.values) for r in term.matchLabelExpressions or ()}
        wanted = frozenset(by_key.items())
        if wanted in seen:
            errors.append(field.duplicate(path.index(i).child("matchLabelExpressions"), ""))
        seen.add(wanted)
    return errors


def _check_term(term: TopologySelectorTerm, path: Path) -> Errors:
    errors: Errors = []
    keys: set[str] = set()
    for i, requirement in enumerate(term.matchLabelExpressions or ()):
        errors += _check_requirement(requirement, path.index(i))
        if requirement.key in keys:
            errors.append(field.duplicate(path.index(i).child("key"), requirement.key))
        keys.add(requirement.key)
    return errors


def _check_requirement(requirement: TopologySelectorLabelRequirement, path: Path) -> Errors:
    values, at = requirement.values, path.child("values")
    errors: Errors = [] if values else [field.required(at)]
    errors += [field.duplicate(at.index(i), values[i]) for i in field.repeated(values)]
    return errors + field.all_invalid(path.child("key"), requirement.key, names.qualified_name(requirement.key))


def warnings(obj: StorageClass) -> list[str]:
    """Labels by which nobody selects nodes any more."""
    return [
        f"{Path('allowedTopologies').index(i).child('matchLabelExpressions').index(j).child('key')}: "
        + node_label_warnings.DEPRECATED[expression.key]
        for i, term in enumerate(obj.allowedTopologies or ())
        for j, expression in enumerate(term.matchLabelExpressions or ())
        if expression.key in node_label_warnings.DEPRECATED
    ]
