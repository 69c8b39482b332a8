"""ClusterRole: permissions in the whole cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.columns import NAME_AND_CREATED_AT, name_and_created_at
from steersman.kinds.kind import Kind
from steersman.kinds.rbac import older_versions, rbac_rules

if TYPE_CHECKING:
    from steersman.kinds.types.rbac_v1 import ClusterRole

KIND: Kind[ClusterRole] = Kind(
    resource=Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", False),
    versions=older_versions.CLUSTER_ROLE,
    name_rule=names.path_segment,
    allow_create_on_update=True,
    columns=NAME_AND_CREATED_AT,
    row=name_and_created_at,
    check=rbac_rules.check_cluster_role,
)
