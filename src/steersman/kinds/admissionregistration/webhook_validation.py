"""What is wrong with a webhook configuration. On updates, what was wrong before is put up with where upgrades need that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector, webhook_config
from steersman.kinds.admissionregistration import match_conditions

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import (
        MutatingWebhook,
        MutatingWebhookConfiguration,
        NamedRuleWithOperations,
        RuleWithOperations,
        ValidatingWebhook,
        ValidatingWebhookConfiguration,
        WebhookClientConfig,
    )

    Hook = MutatingWebhook | ValidatingWebhook
    Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

_REVIEWS = ("v1", "v1beta1")
_HARMLESS = ("None", "NoneOnDryRun")
_SIDE_EFFECTS = ("None", "NoneOnDryRun", "Some", "Unknown")
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MIN_SECONDS, _MAX_SECONDS = 1, 30
_MIN_SEGMENTS = 3


@dataclass(frozen=True, slots=True)
class _Demands:
    """What is asked of a configuration, beyond what is asked of all."""

    harmless: bool = True
    known_review: bool = True
    unique_names: bool = True
    selectors: bool = True
    conditions: bool = True


def validate(configuration: Configuration) -> Errors:
    """What is wrong with a new configuration, its metadata aside."""
    return _validate(configuration.webhooks or (), _Demands())


def validate_update(new: Configuration, old: Configuration) -> Errors:
    hooks, before = new.webhooks or (), old.webhooks or ()
    demands = _Demands(
        harmless=all(h.sideEffects in _HARMLESS for h in before),
        known_review=all(_known(h.admissionReviewVersions) for h in before if h.admissionReviewVersions),
        unique_names=len({h.name for h in before}) == len(before),
        selectors=not any(_selectors(h, Path()) for h in before),
        conditions=[h.matchConditions for h in hooks] != [h.matchConditions for h in before],
    )
    return _validate(hooks, demands)


def _validate(hooks: Sequence[Hook], demands: _Demands) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for index, hook in enumerate(hooks):
        path = Path("webhooks").index(index)
        errors += _hook(hook, path, demands)
        errors += _reviews(hook.admissionReviewVersions, path.child("admissionReviewVersions"), demands)
        if hook.name and hook.name in seen and demands.unique_names:
            errors.append(field.duplicate(path.child("name"), hook.name))
        seen.add(hook.name)
    return errors


def _hook(hook: Hook, path: Path, demands: _Demands) -> Errors:
    errors = _name(hook.name, path.child("name"))
    for index, rule in enumerate(hook.rules or ()):
        errors += validate_rule(rule, path.child("rules").index(index))
    errors += field.check_choice(hook.failurePolicy, ("Fail", "Ignore"), path.child("failurePolicy"))
    errors += field.check_choice(hook.matchPolicy, ("Equivalent", "Exact"), path.child("matchPolicy"))
    errors += _side_effects(hook.sideEffects, path.child("sideEffects"), demands)
    seconds = hook.timeoutSeconds
    if seconds is not None and not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        detail = "the timeout value must be between 1 and 30 seconds"
        errors.append(field.invalid(path.child("timeoutSeconds"), seconds, detail))
    if demands.selectors:
        errors += _selectors(hook, path)
    policy = getattr(hook, "reinvocationPolicy", "Never")
    errors += field.check_choice(policy, ("IfNeeded", "Never"), path.child("reinvocationPolicy"))
    errors += _client(hook.clientConfig, path.child("clientConfig"))
    if demands.conditions:
        errors += match_conditions.validate(hook.matchConditions or (), path.child("matchConditions"))
    return errors


def _name(name: str, path: Path) -> Errors:
    if not name:
        return [field.required(path)]
    if messages := names.dns1123_subdomain(name):
        return [field.invalid(path, name, ",".join(messages))]
    if len(name.split(".")) < _MIN_SEGMENTS:
        return [field.invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []


def _side_effects(value: str | None, path: Path, demands: _Demands) -> Errors:
    allowed = _HARMLESS if demands.harmless else _SIDE_EFFECTS
    if value is None:
        return [field.required(path, f"must specify one of {', '.join(allowed)}")]
    return [] if value in allowed else [field.not_supported(path, value, allowed)]


def _selectors(hook: Hook, path: Path) -> Errors:
    errors = label_selector.check(hook.namespaceSelector, path.child("namespaceSelector"))
    return errors + label_selector.check(hook.objectSelector, path.child("objectSelector"))


def _client(config: WebhookClientConfig, path: Path) -> Errors:
    service = config.service
    if (config.url is None) == (service is None):
        return [field.required(path, "exactly one of url or service is required")]
    if service is None:
        return webhook_config.validate_url(config.url or "", path.child("url"))
    where = path.child("service")
    return webhook_config.validate_service(service.name, service.namespace, service.path, service.port, where)


def _known(versions: Sequence[str]) -> bool:
    return any(v in _REVIEWS for v in versions)


def _reviews(versions: list[str], path: Path, demands: _Demands) -> Errors:
    if not versions:
        return [field.required(path, f"must specify one of {', '.join(_REVIEWS)}")]
    errors: Errors = []
    repeated = set(field.repeated(versions))
    for index, version in enumerate(versions):
        if index in repeated:
            errors.append(field.invalid(path.index(index), version, "duplicate version"))
            continue
        errors += field.all_invalid(path.index(index), version, names.dns1035_label(version))
    if demands.known_review and not _known(versions):
        errors.append(field.invalid(path, versions, f"must include at least one of {', '.join(_REVIEWS)}"))
    return errors


def validate_rule(rule: RuleWithOperations | NamedRuleWithOperations, path: Path) -> Errors:
    where = path.child("operations")
    errors = _alone(rule.operations or [], where, "operations")
    for index, operation in enumerate(rule.operations or ()):
        if operation not in _OPERATIONS:
            errors.append(field.not_supported(where.index(index), operation, _OPERATIONS))
    errors += _alone(rule.apiGroups or [], path.child("apiGroups"), "API groups")
    where = path.child("apiVersions")
    errors += _alone(rule.apiVersions or [], where, "API versions")
    errors += [field.required(where.index(i)) for i, v in enumerate(rule.apiVersions or ()) if not v]
    errors += _resources(rule.resources or [], path.child("resources"))
    if rule.scope not in _SCOPES:
        errors.append(field.not_supported(path.child("scope"), rule.scope, _SCOPES))
    return errors


def _alone(values: list[str], path: Path, what: str) -> Errors:
    """There must be something, and nothing beside a wildcard."""
    if not values:
        return [field.required(path)]
    if len(values) > 1 and "*" in values:
        return [field.invalid(path, values, f"if '*' is present, must not specify other {what}")]
    return []


def _resources(resources: list[str], path: Path) -> Errors:
    if not resources:
        return [field.required(path)]
    errors: Errors = []
    whole: set[str] = set()
    everywhere: set[str] = set()
    plain = False
    for index, given in enumerate(resources):
        if not given:
            errors.append(field.required(path.index(index)))
            continue
        resource, slash, subresource = given.partition("/")
        if not slash:
            plain = given != "*"
            continue
        if resource in whole:
            detail = f"if '{resource}/*' is present, must not specify {given}"
            errors.append(field.invalid(path.index(index), given, detail))
        if subresource in everywhere:
            detail = f"if '*/{subresource}' is present, must not specify {given}"
            errors.append(field.invalid(path.index(index), given, detail))
        if subresource == "*":
            whole.add(resource)
        if resource == "*":
            everywhere.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        errors.append(field.invalid(path, resources, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and plain:
        detail = "if '*' is present, must not specify other resources without subresources"
        errors.append(field.invalid(path, resources, detail))
    return errors
