"""Roles and bindings as v1beta1 knew them, and v1alpha1, whose subjects name an API version."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, Version, older
from steersman.kinds.rbac.subject_defaults import RBAC_GROUP

_V1BETA1, _V1ALPHA1 = ("1.17", "1.22"), ("1.17", "1.22")
_VERSION = f"{RBAC_GROUP}/v1alpha1"


def to_stored(plain: Plain) -> None:
    for subject in plain.get("subjects") or ():
        version = subject.pop("apiVersion", "")
        if not version:
            continue
        group = version.rpartition("/")[0]
        if group:
            subject["apiGroup"] = group
        if subject.get("kind") == "User" and subject.get("name") == "*" and group == RBAC_GROUP:
            # Once, everybody was a user of this name.
            subject |= {"kind": "Group", "name": "system:authenticated"}


def from_stored(plain: Plain) -> None:
    for subject in plain.get("subjects") or ():
        group = subject.pop("apiGroup", "")
        if group:
            subject["apiVersion"] = _VERSION if group == RBAC_GROUP else f"{group}/v1"
        elif subject.get("kind") == "ServiceAccount":
            subject["apiVersion"] = "v1"


def _default(plain: Plain) -> None:
    for subject in plain.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiVersion", _VERSION)


def _roles(plural: str, kind: str, *, namespaced: bool) -> tuple[Version, ...]:
    return (
        older(Resource(RBAC_GROUP, "v1beta1", plural, kind, namespaced), *_V1BETA1),
        older(Resource(RBAC_GROUP, "v1alpha1", plural, kind, namespaced), *_V1ALPHA1),
    )


def _bindings(plural: str, kind: str, *, namespaced: bool) -> tuple[Version, ...]:
    return (
        older(Resource(RBAC_GROUP, "v1beta1", plural, kind, namespaced), *_V1BETA1),
        older(
            Resource(RBAC_GROUP, "v1alpha1", plural, kind, namespaced),
            *_V1ALPHA1,
            to_stored=to_stored,
            from_stored=from_stored,
            default=_default,
        ),
    )


ROLE = _roles("roles", "Role", namespaced=True)
CLUSTER_ROLE = _roles("clusterroles", "ClusterRole", namespaced=False)
ROLE_BINDING = _bindings("rolebindings", "RoleBinding", namespaced=True)
CLUSTER_ROLE_BINDING = _bindings("clusterrolebindings", "ClusterRoleBinding", namespaced=False)
