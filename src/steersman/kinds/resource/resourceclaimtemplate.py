"""ResourceClaimTemplate: makes a ResourceClaim for each pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version
from steersman.kinds.resource import claim_rules
from steersman.kinds.resource.claims_v1beta1 import template_from_v1, template_to_v1
from steersman.kinds.resource.request_defaults import default_claim_spec

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import ResourceClaimTemplate


def _default(obj: ResourceClaimTemplate) -> None:
    default_claim_spec(obj.spec.spec)


KIND: Kind[ResourceClaimTemplate] = Kind(
    resource=Resource("resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate", True),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "resourceclaimtemplates", "ResourceClaimTemplate", True)),
        Version(
            Resource("resource.k8s.io", "v1beta1", "resourceclaimtemplates", "ResourceClaimTemplate", True),
            to_stored=template_to_v1,
            from_stored=template_from_v1,
        ),
    ),
    default=_default,
    check_new=claim_rules.check_template,
    check_update=claim_rules.check_template_update,
)
