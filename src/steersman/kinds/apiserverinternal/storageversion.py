"""StorageVersion: the versions in which API servers store a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiserverinternal_v1alpha1 import StorageVersion

KIND: Kind[StorageVersion] = Kind(
    resource=Resource("internal.apiserver.k8s.io", "v1alpha1", "storageversions", "StorageVersion", False),
    subresources=frozenset({"status"}),
    served_by_default=False,
    name_rule=names.path_segment,
    allow_unconditional_update=False,
)
