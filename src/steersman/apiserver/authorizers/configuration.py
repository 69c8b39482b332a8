"""AuthorizationConfiguration (apiserver.config.k8s.io): its fields, what it must not say, and what it means."""

from __future__ import annotations

import stat
from pathlib import Path as FilePath

import msgspec
from msgspec import Struct

from steersman.api import configuration, field, names
from steersman.api.configuration import ConfigurationError
from steersman.api.duration import DurationError, parse
from steersman.api.field import Errors, Path
from steersman.apiserver.authorizers import conditions
from steersman.apiserver.authorizers.settings import MODES, WEBHOOK, Configured, Webhook

_VERSIONS = ("v1", "v1beta1", "v1alpha1")
_REVIEWS = ("v1", "v1beta1")
_POLICIES = ("NoOpinion", "Deny")
_FILE, _IN_CLUSTER = "KubeConfigFile", "InClusterConfig"
_MOST_CONDITIONS = 64
_LONGEST = 30.0


class MatchCondition(Struct, forbid_unknown_fields=True):
    expression: str = ""


class ConnectionInfo(Struct, forbid_unknown_fields=True):
    type: str = ""
    kubeConfigFile: str | None = None


class WebhookConfiguration(Struct, forbid_unknown_fields=True):
    authorizedTTL: str = "0s"
    cacheAuthorizedRequests: bool = True
    unauthorizedTTL: str = "0s"
    cacheUnauthorizedRequests: bool = True
    timeout: str = "0s"
    subjectAccessReviewVersion: str = ""
    matchConditionSubjectAccessReviewVersion: str = ""
    failurePolicy: str = ""
    connectionInfo: ConnectionInfo = msgspec.field(default_factory=ConnectionInfo)
    matchConditions: list[MatchCondition] | None = None


class AuthorizerConfiguration(Struct, forbid_unknown_fields=True):
    type: str = ""
    name: str = ""
    webhook: WebhookConfiguration | None = None


class AuthorizationConfiguration(Struct, forbid_unknown_fields=True):
    authorizers: list[AuthorizerConfiguration] | None = None


_TYPES = {
    (f"apiserver.config.k8s.io/{version}", "AuthorizationConfiguration"): AuthorizationConfiguration
    for version in _VERSIONS
}


def decode(data: bytes, file: FilePath) -> tuple[Configured, ...]:
    """The chain that a file's content stands for. Raises ConfigurationError."""
    config = configuration.decode(data, _TYPES, file)
    if errors := validate(config):
        raise ConfigurationError.of(file, errors)
    return tuple(_configured(a) for a in config.authorizers or ())


def validate(config: AuthorizationConfiguration) -> Errors:
    root = Path("authorizers")
    if not config.authorizers:
        return [field.required(root, "at least one authorization mode must be defined")]
    errors: Errors = []
    modes: set[str] = set()
    seen: set[str] = set()
    for i, one in enumerate(config.authorizers):
        path = root.index(i)
        if problem := _mode_problem(one.type, modes, path.child("type")):
            errors += problem
            continue
        modes.add(one.type)
        errors += _check_name(one.name, seen, path.child("name"))
        seen.add(one.name)
        if one.type != WEBHOOK:
            if one.webhook is not None:
                errors.append(
                    field.invalid(path.child("webhook"), "non-null", "may only be specified when type=Webhook")
                )
        elif one.webhook is None:
            errors.append(field.required(path.child("webhook"), "required when type=Webhook"))
        else:
            errors += _check_webhook(one.webhook, path)
    return errors


def _mode_problem(mode: str, seen: set[str], path: Path) -> Errors:
    if not mode:
        return [field.required(path)]
    if mode not in MODES:
        return [field.not_supported(path, mode, sorted(MODES))]
    if mode in seen and mode != WEBHOOK:
        return [field.duplicate(path, mode)]
    return []


def _check_name(name: str, seen: set[str], path: Path) -> Errors:
    if not name:
        return [field.required(path)]
    if name in seen:
        return [field.duplicate(path, name)]
    problems = names.dns1123_subdomain(name)
    return [field.invalid(path, name, f"authorizer name is invalid: {', '.join(problems)}")] if problems else []


def _check_webhook(hook: WebhookConfiguration, path: Path) -> Errors:
    errors: Errors = _check_duration(hook.timeout, path.child("timeout"), "must be > 0s and <= 30s", _LONGEST)
    if hook.timeout in ("", "0", "0s"):
        errors = [field.required(path.child("timeout"))]
    errors += _check_duration(hook.authorizedTTL, path.child("authorizedTTL"), "must be > 0s")
    errors += _check_duration(hook.unauthorizedTTL, path.child("unauthorizedTTL"), "must be > 0s")
    errors += _check_choice(hook.subjectAccessReviewVersion, _REVIEWS, path.child("subjectAccessReviewVersion"))
    version, where = hook.matchConditionSubjectAccessReviewVersion, "matchConditionSubjectAccessReviewVersion"
    if not version and hook.matchConditions:
        errors.append(field.required(path.child(where), "required if match conditions are specified"))
    elif version not in ("", "v1"):
        errors.append(field.not_supported(path.child(where), version, ("v1",)))
    errors += _check_choice(hook.failurePolicy, _POLICIES, path.child("failurePolicy"))
    errors += _check_connection(hook.connectionInfo, path.child("connectionInfo"))
    return errors + _check_conditions(hook.matchConditions or [], path.child("matchConditions"))


def _check_choice(value: str, choices: tuple[str, ...], path: Path) -> Errors:
    if not value:
        return [field.required(path)]
    return [] if value in choices else [field.not_supported(path, value, choices)]


def _check_duration(text: str, path: Path, rule: str, most: float = float("inf")) -> Errors:
    try:
        seconds = parse(text or "0s")
    except DurationError as error:
        return [field.invalid(path, text, str(error))]
    return [field.invalid(path, text, rule)] if seconds < 0 or seconds > most else []


def _check_connection(info: ConnectionInfo, path: Path) -> Errors:
    file, where = info.kubeConfigFile, path.child("kubeConfigFile")
    if not info.type:
        return [field.required(path.child("type"))]
    if info.type == _IN_CLUSTER:
        return [field.invalid(path.child("type"), info.type, "the server cannot ask itself")]
    if info.type != _FILE:
        return [field.not_supported(path.child("type"), info.type, (_IN_CLUSTER, _FILE))]
    if not file:
        return [field.required(where)]
    if not FilePath(file).is_absolute():
        return [field.invalid(where, file, "must be an absolute path")]
    try:
        mode = FilePath(file).stat().st_mode
    except OSError as error:
        return [field.invalid(where, file, f"error loading file: {error.strerror}")]
    return [] if stat.S_ISREG(mode) else [field.invalid(where, file, "must be a regular file")]


def _check_conditions(given: list[MatchCondition], path: Path) -> Errors:
    if len(given) > _MOST_CONDITIONS:
        return [field.too_many(path, len(given), _MOST_CONDITIONS)]
    errors: Errors = []
    seen: set[str] = set()
    for i, condition in enumerate(given):
        where, text = path.index(i).child("expression"), condition.expression
        if not text.strip():
            errors.append(field.required(where))
        elif text in seen:
            errors.append(field.duplicate(where, text))
        elif why := conditions.problem(text):
            errors.append(field.invalid(where, text, why))
        seen.add(text)
    return errors


def _configured(one: AuthorizerConfiguration) -> Configured:
    hook = one.webhook
    if hook is None:
        return Configured(one.type, one.name)
    allowed, refused = parse(hook.authorizedTTL or "0s") or 300.0, parse(hook.unauthorizedTTL or "0s") or 30.0
    webhook = Webhook(
        FilePath(hook.connectionInfo.kubeConfigFile or ""),
        hook.subjectAccessReviewVersion,
        parse(hook.timeout),
        allowed if hook.cacheAuthorizedRequests else 0.0,
        refused if hook.cacheUnauthorizedRequests else 0.0,
        hook.failurePolicy == "Deny",
        tuple(c.expression for c in hook.matchConditions or ()),
    )
    return Configured(one.type, one.name, webhook)
