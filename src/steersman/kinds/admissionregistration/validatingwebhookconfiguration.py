"""ValidatingWebhookConfiguration: webhooks that may refuse objects."""

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
    from steersman.kinds.types.admissionregistration_v1 import ValidatingWebhookConfiguration


def _row(obj: ValidatingWebhookConfiguration, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.webhooks or ()), created(obj, now)]


def _default(obj: ValidatingWebhookConfiguration) -> None:
    for hook in obj.webhooks or ():
        default_webhook(hook)


def _check_new(obj: ValidatingWebhookConfiguration) -> Errors:
    from steersman.kinds.admissionregistration import webhook_validation

    return webhook_validation.validate(obj)


def _check_update(obj: ValidatingWebhookConfiguration, old: ValidatingWebhookConfiguration) -> Errors:
    from steersman.kinds.admissionregistration import webhook_validation

    return webhook_validation.validate_update(obj, old)


KIND: Kind[ValidatingWebhookConfiguration] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", False
    ),
    versions=older_versions.VALIDATING,
    categories=("api-extensions",),
    generation=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("Webhooks", "integer"), AGE),
    row=_row,
    default=_default,
    check_new=_check_new,
    check_update=_check_update,
)
