"""Access to devices past all others' claims is asked for only in namespaces whose administrators have labelled them for it."""

from __future__ import annotations

from steersman.api import field
from steersman.api.errors import Invalid
from steersman.api.field import Path
from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Namespace
from steersman.kinds.types.resource_v1 import DeviceRequest, ResourceClaimSpec

_GROUP, _TEMPLATES = "resource.k8s.io", "resourceclaimtemplates"
LABEL = "resource.kubernetes.io/admin-access"


async def validate(review: Review, environment: Environment) -> None:
    spec: ResourceClaimSpec = review.object.spec
    if review.resource.plural == _TEMPLATES:
        spec = review.object.spec.spec
    requests = (spec.devices.requests if spec.devices is not None else None) or ()
    place = next((i for i, request in enumerate(requests) if _is_for_admins(request)), None)
    if place is None:
        return
    namespace = environment.reader.get(Namespace, "", review.namespace)
    if namespace is not None and (namespace.metadata.labels or {}).get(LABEL) == "true":
        return
    detail = f"admin access to devices requires the `{LABEL}: true` label on the containing namespace"
    where = Path("spec", "devices", "requests").index(place).child("adminAccess")
    raise Invalid.of(review.resource, review.name, [field.forbidden(where, detail)])


def _is_for_admins(request: DeviceRequest) -> bool:
    return request.exactly is not None and request.exactly.adminAccess is True


ADMISSION = Admission(
    name="ResourceClaimAdminAccess",
    order=3_760,
    interests=tuple(Interest(frozenset({CREATE}), plural, _GROUP) for plural in ("resourceclaims", _TEMPLATES)),
    validate=validate,
)
