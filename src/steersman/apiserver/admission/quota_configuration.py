"""The configuration of ResourceQuota: what is used only where a quota limits it."""

from __future__ import annotations

from msgspec import Struct

from steersman.api import field
from steersman.api.field import Path
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.quota import LimitedResource


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    limitedResources: list[LimitedResource] | None = None


_TYPES = {
    ("apiserver.config.k8s.io/v1", "ResourceQuotaConfiguration"): _Configuration,
    ("resourcequota.admission.k8s.io/v1beta1", "Configuration"): _Configuration,
    ("resourcequota.admission.k8s.io/v1alpha1", "Configuration"): _Configuration,
}


def limited_resources(given: Given) -> tuple[LimitedResource, ...]:
    """Raises ConfigurationError."""
    limited = given.read(_TYPES).limitedResources or []
    path = Path("limitedResources")
    given.check([field.required(path.index(i).child("resource")) for i, one in enumerate(limited) if not one.resource])
    return tuple(limited)
