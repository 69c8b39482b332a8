"""ResourcePoolStatusRequest: asks what a pool of devices has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind
from steersman.kinds.resource import poolstatus_rules

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1alpha3 import ResourcePoolStatusRequest

KIND: Kind[ResourcePoolStatusRequest] = Kind(
    resource=Resource("resource.k8s.io", "v1alpha3", "resourcepoolstatusrequests", "ResourcePoolStatusRequest", False),
    subresources=frozenset({"status"}),
    served_by_default=False,
    default=poolstatus_rules.default,
    check=poolstatus_rules.check,
    check_update=poolstatus_rules.check_update,
    check_status_update=poolstatus_rules.check_status_update,
)
