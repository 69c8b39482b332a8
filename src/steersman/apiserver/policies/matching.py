"""Which requests a policy or a binding is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from steersman.api import labels
from steersman.api.labels import Selector
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.webhook import conversation, scope, shapes
from steersman.apiserver.webhook.hooks import Place, fits
from steersman.kinds.kind import Served

if TYPE_CHECKING:
    from steersman.apiserver.server import App
    from steersman.kinds.types.admissionregistration_v1 import MatchResources, NamedRuleWithOperations


class Asked:
    """A write under review as policies match it: in the version in which the client speaks."""

    def __init__(self, app: App, review: Review) -> None:
        self.app, self.review = app, review
        self.served: Served = shapes.asked(app, review)
        self.resource = self.served.resource
        self.place = Place(review.operation, self.resource, review.subresource, review.namespace)
        self.namespace = conversation.namespace_of(review)

    @cached_property
    def others(self) -> tuple[Place, ...]:
        """The same in the other versions of the resource."""
        found = shapes.equivalents(self.app, self.served)
        return tuple(replace(self.place, resource=r) for r in found if r != self.resource)


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a policy or a binding matches, made once per change."""

    spec: MatchResources
    namespaces: Selector
    objects: Selector

    @classmethod
    def of(cls, spec: MatchResources) -> Constraints:
        return cls(spec, labels.from_object(spec.namespaceSelector), labels.from_object(spec.objectSelector))

    def matching(self, asked: Asked) -> Resource | None:
        """The resource as which the request is one of these. Raises NotFound when its namespace is not there to be asked."""
        spec = self.spec
        found: Resource | None = asked.resource
        if spec.resourceRules:
            found = self._by_rules(spec.resourceRules, asked)
        if found is None or self._by_rules(spec.excludeResourceRules or (), asked) is not None:
            return None
        selected, missing = scope.namespace_matches(asked.app, self.namespaces, asked.review)
        if not selected or not scope.object_matches(self.objects, asked.review):
            return None
        if missing is not None:
            raise missing
        return found

    def _by_rules(self, rules: Sequence[NamedRuleWithOperations], asked: Asked) -> Resource | None:
        name = "" if asked.review.generated else asked.review.name
        for rule in rules:
            if fits(rule, asked.place) and _is_named(rule, name):
                return asked.resource
        if not rules or self.spec.matchPolicy != "Equivalent":
            return None
        for rule in rules:
            for place in asked.others:
                if fits(rule, place) and _is_named(rule, name):
                    return place.resource
        return None


def _is_named(rule: NamedRuleWithOperations, name: str) -> bool:
    return not rule.resourceNames or name in rule.resourceNames
