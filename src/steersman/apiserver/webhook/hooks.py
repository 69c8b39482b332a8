"""Webhooks as they are configured, ready to be matched: rules, selectors and the address, made once per change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from steersman.api import labels
from steersman.api.labels import Selector
from steersman.api.meta import Resource
from steersman.apiserver.webhook.client import Address, AddressError, address_from
from steersman.store.protocol import Event

if TYPE_CHECKING:
    from steersman.apiserver.server import App
    from steersman.apiserver.webhook.credentials import Credentials
    from steersman.kinds.types.admissionregistration_v1 import (
        MutatingWebhook,
        NamedRuleWithOperations,
        RuleWithOperations,
        ValidatingWebhook,
    )

GROUP = "admissionregistration.k8s.io"
_EXEMPT = frozenset({
    "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies",
    "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """What of a request the rules look at. `namespace` is that of the object; a namespace lies in none."""

    operation: str
    resource: Resource
    subresource: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook. `identity` is unique among those of its kind; `address` says why there is none, if it is a text."""

    spec: MutatingWebhook | ValidatingWebhook
    identity: tuple[str, str, int]
    namespaces: Selector
    objects: Selector
    address: Address | str

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def ignores_failures(self) -> bool:
        return self.spec.failurePolicy == "Ignore"

    @property
    def may_run_dry(self) -> bool:
        return self.spec.sideEffects in ("None", "NoneOnDryRun")

    @property
    def reinvoked(self) -> bool:
        return getattr(self.spec, "reinvocationPolicy", "Never") == "IfNeeded"

    def matching(self, place: Place, equivalents: Callable[[], Iterable[Resource]]) -> Resource | None:
        """The resource as which the request is one for this webhook: its own, or an equivalent one."""
        rules = self.spec.rules or ()
        if any(fits(rule, place) for rule in rules):
            return place.resource
        if self.spec.matchPolicy != "Equivalent":
            return None
        others = [r for r in equivalents() if r != place.resource]
        for rule in rules:
            for other in others:
                if fits(rule, Place(place.operation, other, place.subresource, place.namespace)):
                    return other
        return None


def fits(rule: RuleWithOperations | NamedRuleWithOperations, place: Place) -> bool:
    """Whether a rule covers a request."""
    resource = place.resource
    return (
        _has(rule.operations, place.operation)
        and _has(rule.apiGroups, resource.group)
        and _has(rule.apiVersions, resource.version)
        and any(_is(given, resource.plural, place.subresource) for given in rule.resources or ())
        and (rule.scope in ("", "*") or (rule.scope == "Namespaced") == bool(place.namespace))
    )


def _has(values: Sequence[str] | None, wanted: str) -> bool:
    return values is not None and ("*" in values or wanted in values)


def _is(given: str, plural: str, subresource: str) -> bool:
    one, _, part = given.partition("/")
    return one in ("*", plural) and part in ("*", subresource)


def is_exempt(resource: Resource) -> bool:
    """Whether a resource configures admission: nobody may lock the administrators out of that."""
    return resource.group == GROUP and resource.plural in _EXEMPT


def hooks_of(
    name: str, specs: Iterable[MutatingWebhook | ValidatingWebhook], credentials: Credentials | None = None
) -> list[Hook]:
    """The webhooks of the configuration `name`, in their order."""
    found = []
    for index, spec in enumerate(specs):
        address: Address | str
        try:
            config, service = spec.clientConfig, spec.clientConfig.service
            address = address_from(
                config.url,
                None if service is None else (service.namespace, service.name, service.path or "", service.port or 443),
                config.caBundle,
            )
            if credentials is not None:
                address = replace(address, identity=credentials.at(address.host, address.port))
        except AddressError as error:
            address = str(error)
        namespaces, objects = labels.from_object(spec.namespaceSelector), labels.from_object(spec.objectSelector)
        found.append(Hook(spec, (name, spec.name, index), namespaces, objects, address))
    return found


class Configured:
    """The webhooks of all configurations of one kind, ordered by the configurations' names. `close` at the end."""

    def __init__(self, app: App, plural: str, credentials: Credentials | None = None) -> None:
        self._credentials = credentials
        self._registry = registry = app.registries.find(GROUP, plural)
        self._hooks: tuple[Hook, ...] | None = None
        self._unobserve: Callable[[], None] | None = None
        if registry is not None:
            self._unobserve = app.store.observe(registry.prefix, self._changed)

    def _changed(self, events: Sequence[Event]) -> None:
        self._hooks = None

    def hooks(self) -> tuple[Hook, ...]:
        """What is configured at this moment."""
        if self._hooks is None:
            self._hooks = self._load()
        return self._hooks

    def _load(self) -> tuple[Hook, ...]:
        registry = self._registry
        if registry is None:
            return ()
        found: list[Hook] = []
        for item in registry.cache.list():
            configuration: Any = registry.at(item.value, item.revision)
            found += hooks_of(item.name, configuration.webhooks or (), self._credentials)
        return tuple(found)

    def close(self) -> None:
        if self._unobserve is not None:
            self._unobserve()
