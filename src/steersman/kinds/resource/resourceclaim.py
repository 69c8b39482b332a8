"""ResourceClaim: a claim to devices."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind, Version
from steersman.kinds.resource import claim_rules, claim_status_rules
from steersman.kinds.resource.claims_v1beta1 import claim_from_v1, claim_to_v1
from steersman.kinds.resource.request_defaults import default_claim_spec

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import ResourceClaim


def _row(obj: ResourceClaim, now: datetime) -> list[Any]:
    return [obj.metadata.name, _state(obj), created(obj, now)]


def _state(obj: ResourceClaim) -> str:
    states = ["deleted"] if obj.metadata.deletionTimestamp else []
    if obj.status.allocation is None:
        states += [] if obj.metadata.deletionTimestamp else ["pending"]
        return ",".join(states)
    return ",".join([*states, "allocated", *(["reserved"] if obj.status.reservedFor else [])])


def _default(obj: ResourceClaim) -> None:
    default_claim_spec(obj.spec)


KIND: Kind[ResourceClaim] = Kind(
    resource=Resource("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", True),
    subresources=frozenset({"status"}),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "resourceclaims", "ResourceClaim", True)),
        Version(
            Resource("resource.k8s.io", "v1beta1", "resourceclaims", "ResourceClaim", True),
            to_stored=claim_to_v1,
            from_stored=claim_from_v1,
        ),
    ),
    columns=(NAME, Column("State"), AGE),
    row=_row,
    default=_default,
    check_new=claim_rules.check_claim,
    check_update=claim_rules.check_claim_update,
    check_status_update=claim_status_rules.check_status_update,
)
