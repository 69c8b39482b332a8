"""Webhook configurations as admissionregistration.k8s.io/v1beta1 knew them: it forgave more, and asked for less."""

from __future__ import annotations

import re

from steersman.api.field import ErrorType, FieldError
from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, Version, older

_GROUP = "admissionregistration.k8s.io"
_SIDE_EFFECTS = re.compile(r"webhooks\[\d+\]\.sideEffects")
_NAME = re.compile(r"webhooks\[\d+\]\.name")


def _default(plain: Plain) -> None:
    for hook in plain.get("webhooks") or ():
        hook.setdefault("failurePolicy", "Ignore")
        hook.setdefault("matchPolicy", "Exact")
        hook.setdefault("sideEffects", "Unknown")
        hook.setdefault("timeoutSeconds", 30)
        if not hook.get("admissionReviewVersions"):
            hook["admissionReviewVersions"] = ["v1beta1"]


def _tolerates(error: FieldError) -> bool:
    if error.type is ErrorType.NOT_SUPPORTED and _SIDE_EFFECTS.fullmatch(error.field):
        return error.value in ("Some", "Unknown")
    return error.type is ErrorType.DUPLICATE and _NAME.fullmatch(error.field) is not None


def _configuration(plural: str, kind: str) -> tuple[Version, ...]:
    resource = Resource(_GROUP, "v1beta1", plural, kind, False)
    return (older(resource, "1.16", "1.22", default=_default, tolerates=_tolerates),)


MUTATING = _configuration("mutatingwebhookconfigurations", "MutatingWebhookConfiguration")
VALIDATING = _configuration("validatingwebhookconfigurations", "ValidatingWebhookConfiguration")
