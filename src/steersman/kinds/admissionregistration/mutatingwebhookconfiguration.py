"""MutatingWebhookConfiguration: webhooks that may change objects."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.field import Errors
from steersman.api.meta import Resource
from steersman.kinds.admissionregistration import older_versions
from steersman.kinds.admissionregistration.matching_defaults import default_webhook
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import MutatingWebhookConfiguration


def _row(obj: MutatingWebhookConfiguration, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.webhooks or ()), created(obj, now)]


def _default(obj: MutatingWebhookConfiguration) -> None:
    for hook in obj.webhooks or ():
        default_webhook(hook)
        hook.reinvocationPolicy = hook.reinvocationPolicy or "Never"


def _check_new(obj: MutatingWebhookConfiguration) -> Errors:
    from steersman.kinds.admissionregistration import webhook_validation

    return webhook_validation.validate(obj)


def _check_update(obj: MutatingWebhookConfiguration, old: MutatingWebhookConfiguration) -> Errors:
    from steersman.kinds.admissionregistration import webhook_validation

    return webhook_validation.validate_update(obj, old)


KIND: Kind[MutatingWebhookConfiguration] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False
    ),
    versions=older_versions.MUTATING,
    categories=("api-extensions",),
    generation=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("Webhooks", "integer"), AGE),
    row=_row,
    default=_default,
    check_new=_check_new,
    check_update=_check_update,
)
