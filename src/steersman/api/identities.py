"""The users and groups that Kubernetes itself names: everybody, administrators, nodes and service accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steersman.api.http import User

ANONYMOUS: Final = "system:anonymous"
AUTHENTICATED: Final = "system:authenticated"
UNAUTHENTICATED: Final = "system:unauthenticated"
MASTERS: Final = "system:masters"
"""Who may do everything."""
NODES: Final = "system:nodes"
NODE_PREFIX: Final = "system:node:"
SERVICE_ACCOUNT_PREFIX: Final = "system:serviceaccount:"
CREDENTIAL_ID: Final = "authentication.kubernetes.io/credential-id"
"""Extra of a user: with which of its credentials it has come."""
_SERVICE_ACCOUNTS: Final = "system:serviceaccounts"


def node(name: str) -> str:
    """The user that a node's kubelet is."""
    return NODE_PREFIX + name


def service_account(namespace: str, name: str) -> str:
    """The user that a service account is."""
    return f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, str]:
    """The groups of a service account, besides those of everybody who is known."""
    return _SERVICE_ACCOUNTS, f"{_SERVICE_ACCOUNTS}:{namespace}"


def authenticated(user: User) -> User:
    """The user with the group of all those who have proved who they are."""
    groups = user.groups
    if AUTHENTICATED in groups or UNAUTHENTICATED in groups or user.name == ANONYMOUS:
        return user
    return replace(user, groups=(*groups, AUTHENTICATED))
