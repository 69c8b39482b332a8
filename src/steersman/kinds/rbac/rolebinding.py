"""RoleBinding: who has a role in a namespace."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import Kind
from steersman.kinds.rbac import older_versions, rbac_rules
from steersman.kinds.rbac.subject_columns import BINDING_COLUMNS, subject_cells
from steersman.kinds.rbac.subject_defaults import RBAC_GROUP, default_subjects

if TYPE_CHECKING:
    from steersman.kinds.types.rbac_v1 import RoleBinding


def _row(obj: RoleBinding, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        f"{obj.roleRef.kind}/{obj.roleRef.name}",
        created(obj, now),
        *subject_cells(obj.subjects),
    ]


def _default(obj: RoleBinding) -> None:
    obj.roleRef.apiGroup = obj.roleRef.apiGroup or RBAC_GROUP
    default_subjects(obj.subjects)


KIND: Kind[RoleBinding] = Kind(
    resource=Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", True),
    versions=older_versions.ROLE_BINDING,
    name_rule=names.path_segment,
    allow_create_on_update=True,
    columns=BINDING_COLUMNS,
    row=_row,
    default=_default,
    check=rbac_rules.check_role_binding,
    check_update=rbac_rules.check_binding_update,
)
