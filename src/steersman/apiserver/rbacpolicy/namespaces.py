"""Roles in the system's own namespaces: locks of leaders, published authorities, bootstrap tokens."""

from __future__ import annotations

from steersman.apiserver.authz import Rule
from steersman.apiserver.rbacpolicy.declaration import (
    CONTROLLER,
    EVENTS,
    PUBLIC,
    READ,
    SYSTEM,
    Area,
    Binding,
    Role,
    account,
    may,
    user,
)

_MANAGER, _SCHEDULER = user("system:kube-controller-manager"), user("system:kube-scheduler")
_READER = "extension-apiserver-authentication-reader"
_LOCKING = "system::leader-locking-kube-"
_LOCKS = (
    may("create get list update watch", "leases", "coordination.k8s.io"),
    may("create get list update watch", "leasecandidates", "coordination.k8s.io"),
)


def _role(name: str, *rules: Rule, namespace: str = SYSTEM) -> Role:
    return Role(name, rules, namespace)


def _own(name: str, namespace: str = SYSTEM) -> Binding:
    """A controller's role here, bound to its service account."""
    return Binding(CONTROLLER + name, CONTROLLER + name, (account(name),), namespace)


AREA = Area(
    (
        _role(_READER, may(READ, "configmaps", names="extension-apiserver-authentication")),
        _role(f"{CONTROLLER}bootstrap-signer", may(READ, "secrets")),
        _role(f"{CONTROLLER}cloud-provider", may("create get list watch", "configmaps")),
        _role(f"{CONTROLLER}token-cleaner", may("delete get list watch", "secrets"), EVENTS),
        _role(f"{_LOCKING}controller-manager", *_LOCKS),
        _role(f"{_LOCKING}scheduler", *_LOCKS),
        _role(
            f"{CONTROLLER}bootstrap-signer",
            may(READ, "configmaps"),
            may("update", "configmaps", names="cluster-info"),
            EVENTS,
            namespace=PUBLIC,
        ),
    ),
    (
        Binding("system::extension-apiserver-authentication-reader", _READER, (_MANAGER, _SCHEDULER), SYSTEM),
        Binding(
            f"{_LOCKING}controller-manager",
            f"{_LOCKING}controller-manager",
            (_MANAGER, account("kube-controller-manager"), account("leader-election-controller")),
            SYSTEM,
        ),
        Binding(f"{_LOCKING}scheduler", f"{_LOCKING}scheduler", (_SCHEDULER, account("kube-scheduler")), SYSTEM),
        _own("bootstrap-signer"),
        _own("cloud-provider"),
        _own("token-cleaner"),
        _own("bootstrap-signer", PUBLIC),
    ),
)
