"""The audit policy: which requests are noted, at which of their stages, and how much of them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from msgspec import Struct

from steersman.api import configuration, names
from steersman.api.configuration import ConfigurationError
from steersman.api.field import FieldError, Path, invalid, not_supported, required
from steersman.apiserver.requestinfo import LONGEST_PATH
from steersman.kinds.types.meta_v1 import ObjectMeta

if TYPE_CHECKING:
    from steersman.api.http import User
    from steersman.apiserver.requestinfo import RequestInfo

NONE, METADATA, REQUEST, REQUEST_RESPONSE = range(4)
LEVELS = ("None", "Metadata", "Request", "RequestResponse")

RECEIVED = "RequestReceived"
STARTED = "ResponseStarted"
COMPLETE = "ResponseComplete"
PANIC = "Panic"
STAGES = (RECEIVED, STARTED, COMPLETE, PANIC)

PATCH_NOTE = "patch.webhook.admission.k8s.io/"
"""How the names of annotations begin that hold parts of objects: they are for levels that show objects."""

# Verdicts on requests that are remembered.
_REMEMBERED = 8192


class GroupResources(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Resources of one group, or of all for `*`; `resources` may hold `*`, `pods/log`, `pods/*` and `*/scale`."""

    group: str = ""
    resources: list[str] | None = None
    resourceNames: list[str] | None = None


class PolicyRule(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Requests that all filled-in fields fit are noted at `level`."""

    level: str = ""
    users: list[str] | None = None
    userGroups: list[str] | None = None
    verbs: list[str] | None = None
    resources: list[GroupResources] | None = None
    namespaces: list[str] | None = None
    nonResourceURLs: list[str] | None = None
    omitStages: list[str] | None = None
    omitManagedFields: bool | None = None


class Policy(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The file."""

    kind: str = ""
    apiVersion: str = ""
    metadata: ObjectMeta | None = None
    rules: list[PolicyRule] | None = None
    omitStages: list[str] | None = None
    omitManagedFields: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request: a level (a number, to be compared), the stages that are left out."""

    level: int = NONE
    omitted: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


_UNNOTED = Verdict()


@dataclass(slots=True)
class Rules:
    """A policy, asked for every request; what it has said is remembered."""

    policy: Policy
    _known: dict[tuple[object, ...], Verdict] = field(default_factory=dict)
    _by_name: bool = False

    def __post_init__(self) -> None:
        self._by_name = any(of.resourceNames for rule in self.policy.rules or () for of in rule.resources or ())

    def judge(self, user: User | None, info: RequestInfo) -> Verdict:
        """The verdict of the first rule that fits; without one, nothing is noted. `user` is None for who is not known."""
        if len(info.path) > LONGEST_PATH:
            # Anybody may ask for any path: nothing that is long is remembered.
            return self._judge(user, info)
        key: tuple[object, ...]
        who = None if user is None else (user.name, user.groups)
        if info.is_resource:
            name = info.name if self._by_name else ""
            key = (who, info.verb, info.resource, info.group, info.subresource, info.namespace, name)
        else:
            key = (who, info.verb, info.path)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._judge(user, info)
        return found

    def _judge(self, user: User | None, info: RequestInfo) -> Verdict:
        policy = self.policy
        for rule in policy.rules or ():
            if fits(rule, user, info):
                omit = policy.omitManagedFields if rule.omitManagedFields is None else rule.omitManagedFields
                omitted = frozenset((*(policy.omitStages or ()), *(rule.omitStages or ())))
                return Verdict(LEVELS.index(rule.level), omitted, omit)
        return _UNNOTED


def fits(rule: PolicyRule, user: User | None, info: RequestInfo) -> bool:
    """Whether a request is one that the rule is about."""
    if rule.users and (user is None or user.name not in rule.users):
        return False
    if rule.userGroups and (user is None or not set(rule.userGroups).intersection(user.groups)):
        return False
    if rule.verbs and info.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return info.is_resource and _resource_fits(rule, info)
    if rule.nonResourceURLs:
        return not info.is_resource and any(_path_fits(pattern, info.path) for pattern in rule.nonResourceURLs)
    return True


def _path_fits(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def _resource_fits(rule: PolicyRule, info: RequestInfo) -> bool:
    if rule.namespaces and info.namespace not in rule.namespaces:
        return False
    if not rule.resources:
        return True
    resource, subresource = info.resource, info.subresource
    wanted = {"*", f"{resource}/{subresource}" if subresource else resource, f"{resource}/*"}
    if subresource:
        wanted.add(f"*/{subresource}")
    return any(of.group in ("*", info.group) and _named(of, info.name, wanted) for of in rule.resources)


def _named(of: GroupResources, name: str, wanted: Container[str]) -> bool:
    if not of.resources:
        return True
    if of.resourceNames and name not in of.resourceNames:
        return False
    return any(resource in wanted for resource in of.resources)


def read(path: FilePath) -> Rules:
    """A policy from its file. Raises ConfigurationError."""
    return decode(configuration.read_bytes(path), path)


def decode(data: bytes, where: FilePath | str) -> Rules:
    """A policy from its text; `where` begins every error. Raises ConfigurationError."""
    policy = configuration.decode(data, {("audit.k8s.io/v1", "Policy"): Policy}, where)
    errors = validate(policy)
    if errors:
        raise ConfigurationError.of(where, errors)
    if not policy.rules:
        raise ConfigurationError(f"{where}: loaded illegal policy with 0 rules")
    return Rules(policy)


def validate(policy: Policy) -> list[FieldError]:
    """What is wrong with a policy. Stages that it leaves out as a whole may be any, as upstream."""
    errors: list[FieldError] = []
    for i, rule in enumerate(policy.rules or ()):
        errors += _check(rule, Path("rules").index(i))
    return errors


def _check(rule: PolicyRule, path: Path) -> Iterator[FieldError]:
    if not rule.level:
        yield required(path.child("level"))
    elif rule.level not in LEVELS:
        yield not_supported(path.child("level"), rule.level, LEVELS)
    urls = path.child("nonResourceURLs")
    yield from _check_urls(rule.nonResourceURLs or (), urls)
    yield from _check_resources(rule.resources or (), path.child("resources"))
    for i, stage in enumerate(rule.omitStages or ()):
        if stage not in STAGES:
            yield invalid(path.child("omitStages").index(i), stage, "allowed stages are " + ",".join(STAGES))
    if rule.nonResourceURLs and (rule.resources or rule.namespaces):
        yield invalid(urls, rule.nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs")


def _check_urls(urls: Sequence[str], path: Path) -> Iterator[FieldError]:
    for i, url in enumerate(urls):
        if url == "*":
            continue
        if not url.startswith("/"):
            yield invalid(path.index(i), url, "non-resource URL rules must begin with a '/' character")
        if "*" in url[:-1]:
            yield invalid(path.index(i), url, "non-resource URL wildcards '*' must be the final character of the rule")


def _check_resources(resources: Sequence[GroupResources], path: Path) -> Iterator[FieldError]:
    # As upstream, these errors do not say which of the resources they are about.
    for of in resources:
        if of.group not in ("", "*") and (problems := names.dns1123_subdomain(of.group)):
            yield invalid(path.child("group"), of.group, ",".join(problems))
        if of.resourceNames and not of.resources:
            yield invalid(
                path.child("resourceNames"), of.resourceNames, "using resourceNames requires at least one resource"
            )
