"""RoleBinding: who has a role in a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.rbac_v1 import RoleBinding

KIND: Kind[RoleBinding] = Kind(
    resource=Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", True),
    name_rule=names.path_segment,
    allow_create_on_update=True,
)
