"""Validation of what a pod asks of the node it runs on: selectors, affinity, tolerations, spreading, gates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        Affinity,
        NodeSelector,
        NodeSelectorRequirement,
        NodeSelectorTerm,
        PodAffinity,
        PodAffinityTerm,
        PodAntiAffinity,
        PodSchedulingGate,
        PodSpec,
        Toleration,
        TopologySpreadConstraint,
    )
    from steersman.kinds.types.meta_v1 import LabelSelector

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_WHOLE = re.compile("0|-?[1-9][0-9]*", re.ASCII)
_INT64_DIGITS = 19
_POSITIVE = "must be greater than zero"


def check_placement(spec: PodSpec, path: Path) -> Errors:
    """When a pod is scheduled at all, and how far from its like."""
    return [
        *_check_gates(spec.schedulingGates or [], path.child("schedulingGates")),
        *_check_spread(spec.topologySpreadConstraints or [], path.child("topologySpreadConstraints")),
    ]


def check_node_selector(selector: NodeSelector, path: Path, *, values: bool = True) -> Errors:
    """A node selector; `values` says whether label values are checked too."""
    at = path.child("nodeSelectorTerms")
    if not selector.nodeSelectorTerms:
        return [field.required(at, "must have at least one node selector term")]
    return [e for i, t in enumerate(selector.nodeSelectorTerms) for e in _check_term(t, at.index(i), values=values)]


def check_tolerations(tolerations: list[Toleration], path: Path) -> Errors:
    return [e for i, t in enumerate(tolerations) for e in _check_toleration(t, path.index(i))]


def check_taint_effect(effect: str, path: Path) -> Errors:
    return [] if effect in TAINT_EFFECTS else [field.not_supported(path, effect, TAINT_EFFECTS)]


def check_affinity(affinity: Affinity | None, path: Path) -> Errors:
    """On which nodes a pod runs, and with which other pods."""
    if affinity is None:
        return []
    errors: Errors = []
    node = affinity.nodeAffinity
    if node is not None:
        at = path.child("nodeAffinity")
        if node.requiredDuringSchedulingIgnoredDuringExecution is not None:
            errors += check_node_selector(node.requiredDuringSchedulingIgnoredDuringExecution, at.child(_REQUIRED))
        for i, term in enumerate(node.preferredDuringSchedulingIgnoredDuringExecution or ()):
            errors += _check_weight(term.weight, at.child(_PREFERRED).index(i))
            errors += _check_term(term.preference, at.child(_PREFERRED).index(i).child("preference"), values=False)
    errors += _check_pod_affinity(affinity.podAffinity, path.child("podAffinity"))
    return errors + _check_pod_affinity(affinity.podAntiAffinity, path.child("podAntiAffinity"))


def _check_weight(weight: int, path: Path) -> Errors:
    return [] if 1 <= weight <= 100 else [field.invalid(path.child("weight"), weight, "must be in the range 1-100")]


def _check_term(term: NodeSelectorTerm, path: Path, *, values: bool) -> Errors:
    errors: Errors = []
    for i, requirement in enumerate(term.matchExpressions or ()):
        errors += _check_requirement(requirement, path.child("matchExpressions").index(i), values=values)
    for i, requirement in enumerate(term.matchFields or ()):
        errors += _check_field_requirement(requirement, path.child("matchFields").index(i))
    return errors


def _check_requirement(requirement: NodeSelectorRequirement, path: Path, *, values: bool) -> Errors:
    errors: Errors = []
    given, at = requirement.values or [], path.child("values")
    if requirement.operator in ("In", "NotIn"):
        if not given:
            errors.append(field.required(at, "must be specified when `operator` is 'In' or 'NotIn'"))
    elif requirement.operator in ("Exists", "DoesNotExist"):
        if given:
            errors.append(field.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    elif requirement.operator in ("Gt", "Lt"):
        if len(given) != 1:
            errors.append(field.required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    else:
        errors.append(field.invalid(path.child("operator"), requirement.operator, "not a valid selector operator"))
    errors += field.all_invalid(path.child("key"), requirement.key, names.qualified_name(requirement.key))
    if values:
        for i, value in enumerate(given):
            errors += field.all_invalid(at.index(i), value, names.label_value(value))
    return errors


def _check_field_requirement(requirement: NodeSelectorRequirement, path: Path) -> Errors:
    errors: Errors = []
    if requirement.operator not in ("In", "NotIn"):
        errors.append(field.invalid(path.child("operator"), requirement.operator, "not a valid selector operator"))
    elif len(requirement.values or ()) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(field.required(path.child("values"), detail))
    if requirement.key != "metadata.name":
        return [*errors, field.invalid(path.child("key"), requirement.key, "not a valid field selector key")]
    for i, value in enumerate(requirement.values or ()):
        errors += field.all_invalid(path.child("values").index(i), value, names.dns1123_subdomain(value))
    return errors


def _check_pod_affinity(affinity: PodAffinity | PodAntiAffinity | None, path: Path) -> Errors:
    if affinity is None:
        return []
    errors: Errors = []
    for i, term in enumerate(affinity.requiredDuringSchedulingIgnoredDuringExecution or ()):
        errors += _check_pod_term(term, path.child(_REQUIRED).index(i))
    for i, weighted in enumerate(affinity.preferredDuringSchedulingIgnoredDuringExecution or ()):
        at = path.child(_PREFERRED).index(i)
        errors += _check_weight(weighted.weight, at)
        errors += _check_pod_term(weighted.podAffinityTerm, at.child("podAffinityTerm"))
    return errors


def _check_pod_term(term: PodAffinityTerm, path: Path) -> Errors:
    errors = label_selector.check(term.labelSelector, path.child("labelSelector"))
    errors += label_selector.check(term.namespaceSelector, path.child("namespaceSelector"))
    for name in term.namespaces or ():
        errors += field.all_invalid(path.child("namespace"), name, names.dns1123_label(name))
    errors += _check_label_keys(term.matchLabelKeys or [], term.mismatchLabelKeys or [], term.labelSelector, path)
    if not term.topologyKey:
        errors.append(field.required(path.child("topologyKey"), "can not be empty"))
    return errors + field.all_invalid(
        path.child("topologyKey"), term.topologyKey, names.qualified_name(term.topologyKey)
    )


def _check_label_keys(match: list[str], mismatch: list[str], selector: LabelSelector | None, path: Path) -> Errors:
    """Keys of which a pod's own values are selected; in a pod, requirements for them have joined the selector."""
    if not match and not mismatch:
        return []
    errors: Errors = []
    for keys, at in ((match, path.child("matchLabelKeys")), (mismatch, path.child("mismatchLabelKeys"))):
        if keys and selector is None:
            errors.append(field.forbidden(at, "must not be specified when labelSelector is not set"))
            continue
        errors += [e for i, k in enumerate(keys) for e in field.all_invalid(at.index(i), k, names.qualified_name(k))]
    seen = set(selector.matchLabels or ()) if selector is not None else set()
    for requirement in (selector.matchExpressions if selector is not None else None) or ():
        key = requirement.key
        if key in seen and key in match:
            detail = "exists in both matchLabelKeys and labelSelector"
            errors.append(field.invalid(path.index(match.index(key)), key, detail))
        seen.add(key)
    for i, key in enumerate(match):
        if key in mismatch:
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.append(field.invalid(path.child("matchLabelKeys").index(i), key, detail))
    return errors


def _check_gates(gates: list[PodSchedulingGate], path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, gate in enumerate(gates):
        errors += field.all_invalid(path.index(i), gate.name, names.qualified_name(gate.name))
        if gate.name in seen:
            errors.append(field.duplicate(path.index(i), gate.name))
        seen.add(gate.name)
    return errors


def _check_spread(constraints: list[TopologySpreadConstraint], path: Path) -> Errors:
    errors: Errors = []
    last = {(c.topologyKey, c.whenUnsatisfiable): i for i, c in enumerate(constraints)}
    for i, constraint in enumerate(constraints):
        at = path.index(i)
        same = (constraint.topologyKey, constraint.whenUnsatisfiable)
        errors += _check_constraint(constraint, at, repeated=last[same] > i)
    return errors


def _check_constraint(constraint: TopologySpreadConstraint, path: Path, *, repeated: bool) -> Errors:
    errors: Errors = []
    if constraint.maxSkew <= 0:
        errors.append(field.invalid(path.child("maxSkew"), constraint.maxSkew, _POSITIVE))
    if not constraint.topologyKey:
        errors.append(field.required(path.child("topologyKey"), "can not be empty"))
    action, domains = constraint.whenUnsatisfiable, constraint.minDomains
    if action not in _UNSATISFIABLE:
        errors.append(field.not_supported(path.child("whenUnsatisfiable"), action, _UNSATISFIABLE))
    if repeated:
        pair = f"{{{constraint.topologyKey}, {action}}}"
        errors.append(field.duplicate(path.child("{topologyKey, whenUnsatisfiable}"), pair))
    if domains is not None and domains <= 0:
        errors.append(field.invalid(path.child("minDomains"), domains, _POSITIVE))
    if domains is not None and action != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(field.invalid(path.child("minDomains"), domains, detail))
    for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        value = getattr(constraint, name)
        if value and value not in ("Honor", "Ignore"):
            errors.append(field.not_supported(path.child(name), value, ("Honor", "Ignore")))
    errors += _check_label_keys(constraint.matchLabelKeys or [], [], constraint.labelSelector, path)
    return errors + label_selector.check(constraint.labelSelector, path.child("labelSelector"))


def _check_toleration(toleration: Toleration, path: Path) -> Errors:
    errors: Errors = []
    operator = toleration.operator
    if toleration.key:
        errors += field.all_invalid(path.child("key"), toleration.key, names.qualified_name(toleration.key))
    elif operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(field.invalid(path.child("operator"), operator, detail))
    if toleration.tolerationSeconds is not None and toleration.effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(field.invalid(path.child("effect"), toleration.effect, detail))
    errors += _check_toleration_value(toleration, path)
    if toleration.effect:
        errors += check_taint_effect(toleration.effect, path.child("effect"))
    return errors


def _check_toleration_value(toleration: Toleration, path: Path) -> Errors:
    value, at = toleration.value, path.child("operator")
    if toleration.operator in ("", "Equal"):
        wrong = names.label_value(value)
        return [field.invalid(at, value, ";".join(wrong))] if wrong else []
    if toleration.operator == "Exists":
        return [field.invalid(at, value, "value must be empty when `operator` is 'Exists'")] if value else []
    if toleration.operator in ("Gt", "Lt"):
        return _check_number(value, path.child("value"))
    return [field.not_supported(at, toleration.operator, ("Equal", "Exists"))]


def _check_number(value: str, path: Path) -> Errors:
    """A whole number as it is usually written, which 64 bits have room for."""
    if not _WHOLE.fullmatch(value):
        detail = "must be a valid decimal integer in canonical form" if value else "must be non-empty"
        return [field.invalid(path, value, detail)]
    if len(value) < _INT64_DIGITS or (len(value) <= _INT64_DIGITS + 1 and -(2**63) <= int(value) < 2**63):
        return []
    return [field.invalid(path, value, f"strconv.ParseInt: parsing {field.quote(value)}: value out of range")]
