"""ValidatingWebhookConfiguration: webhooks that may refuse objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import ValidatingWebhookConfiguration

KIND: Kind[ValidatingWebhookConfiguration] = Kind(
    resource=Resource(
        "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", False
    ),
    categories=("api-extensions",),
    generation=True,
    allow_unconditional_update=False,
)
