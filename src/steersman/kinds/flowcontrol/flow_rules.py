"""Validation of FlowSchemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.flowcontrol import mandatory_specs

if TYPE_CHECKING:
    from steersman.kinds.types.flowcontrol_v1 import (
        FlowSchema,
        FlowSchemaSpec,
        NonResourcePolicyRule,
        PolicyRulesWithSubjects,
        ResourcePolicyRule,
        Subject,
    )

MAX_PRECEDENCE = 10000
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_DISTINGUISHERS = ("ByNamespace", "ByUser")
# Kind of a subject, the member that goes with it.
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}


def check(obj: FlowSchema) -> Errors:
    name, spec, path = obj.metadata.name, obj.spec, Path("spec")
    errors = [*_precedence(name, spec, path.child("matchingPrecedence")), *_references(spec, path)]
    for i, rule in enumerate(spec.rules or ()):
        errors += _rule(rule, path.child("rules").index(i))
    fixed = mandatory_specs.flow_spec(name)
    if fixed is not None and not field.same(spec, fixed):
        errors.append(field.invalid(path, spec, f"spec of '{name}' must equal the fixed value"))
    return errors


def check_status(obj: Any, old: Any) -> Errors:
    """The conditions of a FlowSchema or of a priority level: each has a type, no type comes twice."""
    errors: Errors = []
    seen: set[str] = set()
    for i, condition in enumerate(obj.status.conditions or ()):
        path = Path("status", "conditions").index(i).child("type")
        if condition.type in seen:
            errors.append(field.duplicate(path, condition.type))
        seen.add(condition.type)
        if not condition.type:
            errors.append(field.required(path, "must not be empty"))
    return errors


def _precedence(name: str, spec: FlowSchemaSpec, path: Path) -> Errors:
    value = spec.matchingPrecedence or 0
    if value <= 0:
        return [field.invalid(path, value, "must be a positive value")]
    if value > MAX_PRECEDENCE:
        return [field.invalid(path, value, f"must not be greater than {MAX_PRECEDENCE}")]
    if value == 1 and name != mandatory_specs.EXEMPT:
        return [field.invalid(path, value, "only the schema named 'exempt' may have matchingPrecedence 1")]
    return []


def _references(spec: FlowSchemaSpec, path: Path) -> Errors:
    errors: Errors = []
    method = spec.distinguisherMethod
    if method is not None and method.type not in _DISTINGUISHERS:
        errors.append(field.not_supported(path.child("distinguisherMethod", "type"), method.type, _DISTINGUISHERS))
    level, at = spec.priorityLevelConfiguration.name, path.child("priorityLevelConfiguration", "name")
    if not level:
        return [*errors, field.required(at, "must reference a priority level")]
    return errors + field.all_invalid(at, level, names.dns1123_subdomain(level))


def _rule(rule: PolicyRulesWithSubjects, path: Path) -> Errors:
    errors: Errors = []
    if not rule.subjects:
        errors.append(field.required(path.child("subjects"), "subjects must contain at least one value"))
    for i, subject in enumerate(rule.subjects):
        errors += _subject(subject, path.child("subjects").index(i))
    if not rule.resourceRules and not rule.nonResourceRules:
        errors.append(field.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for i, resources in enumerate(rule.resourceRules or ()):
        errors += _resource_rule(resources, path.child("resourceRules").index(i))
    for i, paths in enumerate(rule.nonResourceRules or ()):
        errors += _path_rule(paths, path.child("nonResourceRules").index(i))
    return errors


def _subject(subject: Subject, path: Path) -> Errors:
    member = _SUBJECTS.get(subject.kind)
    if member is None:
        return [field.not_supported(path.child("kind"), subject.kind, _SUBJECTS)]
    errors = _named(subject, member, path.child(member))
    for kind, other in sorted(_SUBJECTS.items(), reverse=True):
        if other != member and getattr(subject, other) is not None:
            detail = f"{other} is forbidden when subject kind is not '{kind}'"
            errors.append(field.forbidden(path.child(other), detail))
    return errors


def _named(subject: Subject, member: str, path: Path) -> Errors:
    found = getattr(subject, member)
    if found is None:
        return [field.required(path, f"{member} is required when subject kind is '{subject.kind}'")]
    errors: Errors = []
    if not found.name:
        errors.append(field.required(path.child("name")))
    if member != "serviceAccount":
        return errors
    if found.name and found.name != "*":
        errors += field.all_invalid(path.child("name"), found.name, names.dns1123_subdomain(found.name))
    if not found.namespace:
        detail = "must specify namespace for service account"
        return [*errors, field.required(path.child("namespace"), detail)]
    return errors + field.all_invalid(path.child("namespace"), found.namespace, names.dns1123_label(found.namespace))


def _alone(values: list[str], path: Path, what: str) -> Errors:
    """A wildcard must be the only value."""
    if "*" in values and len(values) > 1:
        return [field.invalid(path, values, f"if '*' is present, must not specify other {what}")]
    return []


def _verbs(verbs: list[str], path: Path) -> Errors:
    if not verbs:
        return [field.required(path, "verbs must contain at least one value")]
    if "*" in verbs:
        return _alone(verbs, path, "verbs")
    return [] if set(verbs) <= set(_VERBS) else [field.not_supported(path, verbs, _VERBS)]


def _some(values: list[str], path: Path, missing: str, what: str) -> Errors:
    return _alone(values, path, what) if values else [field.required(path, missing)]


def _resource_rule(rule: ResourcePolicyRule, path: Path) -> Errors:
    at = path.child("namespaces")
    errors = _verbs(rule.verbs, path.child("verbs"))
    errors += _some(
        rule.apiGroups, path.child("apiGroups"), "resource rules must supply at least one api group", "api groups"
    )
    errors += _some(
        rule.resources, path.child("resources"), "resource rules must supply at least one resource", "resources"
    )
    namespaces = rule.namespaces or []
    if not namespaces and not rule.clusterScope:
        detail = "resource rules that are not cluster scoped must supply at least one namespace"
        return [*errors, field.required(at, detail)]
    if "*" in namespaces:
        return errors + _alone(namespaces, at, "namespaces")
    for i, namespace in enumerate(namespaces):
        for message in names.dns1123_label(namespace):
            detail = f"each member of this list must be '*' or a DNS-1123 label; {message}"
            errors.append(field.invalid(at.index(i), namespace, detail))
    return errors


def _path_rule(rule: NonResourcePolicyRule, path: Path) -> Errors:
    errors, at = _verbs(rule.verbs, path.child("verbs")), path.child("nonResourceURLs")
    urls = rule.nonResourceURLs
    if not urls or "*" in urls:
        return errors + _some(urls, at, "nonResourceURLs must contain at least one value", "non-resource URLs")
    for i, url in enumerate(urls):
        problem = next((detail for detail, wrong in _URL_PROBLEMS if wrong(url)), "")
        if problem:
            errors.append(field.invalid(at.index(i), url, problem))
    return errors


_URL_PROBLEMS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("must not be empty", lambda url: not url),
    ("must start with slash", lambda url: not url.startswith("/")),
    ("must not contain white-space", lambda url: " " in url),
    ("must not contain double slash", lambda url: "//" in url),
    (
        "wildcard can only do suffix matching",
        lambda url: url.count("*") > 1 or (url.count("*") == 1 and not url.endswith("/*")),
    ),
)
