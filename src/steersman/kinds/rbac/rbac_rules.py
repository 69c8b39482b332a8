"""Validation of roles and of the bindings that give them to subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.rbac.subject_defaults import RBAC_GROUP

if TYPE_CHECKING:
    from steersman.kinds.types.rbac_v1 import (
        ClusterRole,
        ClusterRoleBinding,
        PolicyRule,
        Role,
        RoleBinding,
        Subject,
    )


def check_role(role: Role) -> Errors:
    return _check_rules(role.rules or [], namespaced=True)


def check_cluster_role(role: ClusterRole) -> Errors:
    errors = _check_rules(role.rules or [], namespaced=False)
    if role.aggregationRule is None:
        return errors
    at = Path("aggregationRule", "clusterRoleSelectors")
    selectors = role.aggregationRule.clusterRoleSelectors or []
    if not selectors:
        detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        return [*errors, field.required(at, detail)]
    return errors + [e for i, s in enumerate(selectors) for e in label_selector.check(s, at.index(i))]


def _check_rules(rules: list[PolicyRule], *, namespaced: bool) -> Errors:
    return [e for i, rule in enumerate(rules) for e in _check_rule(rule, Path("rules").index(i), namespaced=namespaced)]


def _check_rule(rule: PolicyRule, path: Path, *, namespaced: bool) -> Errors:
    errors: Errors = []
    if not rule.verbs:
        errors.append(field.required(path.child("verbs"), "verbs must contain at least one value"))
    if rule.nonResourceURLs:
        at = path.child("nonResourceURLs")
        if namespaced:
            detail = "namespaced rules cannot apply to non-resource URLs"
            errors.append(field.invalid(at, rule.nonResourceURLs, detail))
        if rule.apiGroups or rule.resources or rule.resourceNames:
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(field.invalid(at, rule.nonResourceURLs, detail))
        return errors
    if not rule.apiGroups:
        errors.append(field.required(path.child("apiGroups"), "resource rules must supply at least one api group"))
    if not rule.resources:
        errors.append(field.required(path.child("resources"), "resource rules must supply at least one resource"))
    return errors


def check_role_binding(binding: RoleBinding) -> Errors:
    return _check_binding(binding, ("Role", "ClusterRole"))


def check_cluster_role_binding(binding: ClusterRoleBinding) -> Errors:
    return _check_binding(binding, ("ClusterRole",))


def _check_binding(binding: RoleBinding | ClusterRoleBinding, kinds: tuple[str, ...]) -> Errors:
    errors: Errors = []
    ref, at = binding.roleRef, Path("roleRef")
    if ref.apiGroup != RBAC_GROUP:
        errors.append(field.not_supported(at.child("apiGroup"), ref.apiGroup, (RBAC_GROUP,)))
    if ref.kind not in kinds:
        errors.append(field.not_supported(at.child("kind"), ref.kind, kinds))
    if not ref.name:
        errors.append(field.required(at.child("name")))
    else:
        errors += field.all_invalid(at.child("name"), ref.name, names.path_segment(ref.name))
    namespaced = bool(binding.metadata.namespace)
    for i, subject in enumerate(binding.subjects or ()):
        errors += _check_subject(subject, Path("subjects").index(i), namespaced=namespaced)
    return errors


def check_binding_update(binding: RoleBinding | ClusterRoleBinding, old: RoleBinding | ClusterRoleBinding) -> Errors:
    return field.immutable(Path("roleRef"), binding.roleRef, old.roleRef)


def _check_subject(subject: Subject, path: Path, *, namespaced: bool) -> Errors:
    errors: Errors = []
    if not subject.name:
        errors.append(field.required(path.child("name")))
    if subject.kind == "ServiceAccount":
        if subject.name:
            errors += field.all_invalid(path.child("name"), subject.name, names.dns1123_subdomain(subject.name))
        if subject.apiGroup:
            errors.append(field.not_supported(path.child("apiGroup"), subject.apiGroup, ("",)))
        # In a namespace's binding, the binding's own namespace is meant.
        if not subject.namespace and not namespaced:
            errors.append(field.required(path.child("namespace")))
    elif subject.kind in ("User", "Group"):
        if subject.apiGroup != RBAC_GROUP:
            errors.append(field.not_supported(path.child("apiGroup"), subject.apiGroup, (RBAC_GROUP,)))
    else:
        errors.append(field.not_supported(path.child("kind"), subject.kind, ("ServiceAccount", "User", "Group")))
    return errors
