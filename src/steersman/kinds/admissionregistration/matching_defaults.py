"""Defaults of what webhooks and policies match, and of how webhooks are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import (
        MatchResources,
        MutatingWebhook,
        NamedRuleWithOperations,
        RuleWithOperations,
        ValidatingWebhook,
    )


def default_webhook(hook: MutatingWebhook | ValidatingWebhook) -> None:
    from steersman.kinds.types.meta_v1 import LabelSelector

    hook.failurePolicy = hook.failurePolicy or "Fail"
    hook.matchPolicy = hook.matchPolicy or "Equivalent"
    hook.namespaceSelector = hook.namespaceSelector or LabelSelector()
    hook.objectSelector = hook.objectSelector or LabelSelector()
    hook.timeoutSeconds = hook.timeoutSeconds or 10
    service = hook.clientConfig.service
    if service is not None and service.port is None:
        service.port = 443
    _default_rules(hook.rules)


def default_match(match: MatchResources | None) -> None:
    if match is None:
        return
    from steersman.kinds.types.meta_v1 import LabelSelector

    match.matchPolicy = match.matchPolicy or "Equivalent"
    match.namespaceSelector = match.namespaceSelector or LabelSelector()
    match.objectSelector = match.objectSelector or LabelSelector()
    _default_rules(match.resourceRules)
    _default_rules(match.excludeResourceRules)


def _default_rules(rules: Iterable[NamedRuleWithOperations | RuleWithOperations] | None) -> None:
    for rule in rules or ():
        rule.scope = rule.scope or "*"
