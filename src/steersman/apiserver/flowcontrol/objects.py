"""The FlowSchemas and priority levels that a cluster begins with: the mandatory ones, and what Kubernetes suggests."""

from __future__ import annotations

from typing import Any

from steersman.kinds.flowcontrol.mandatory_specs import FLOW_SPECS, LEVEL_SPECS, everything, groups

AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"

_MANAGER, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_ANYBODY = groups("system:unauthenticated", "system:authenticated")
_NODES = groups("system:nodes")
_KUBE_SYSTEM = [{"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": "kube-system"}}]


def _users(*names: str) -> list[dict[str, Any]]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _resources(verbs: list[str], group: str, *resources: str, cluster: bool = False) -> dict[str, Any]:
    rule: dict[str, Any] = {"verbs": verbs, "apiGroups": [group], "resources": [*resources], "namespaces": ["*"]}
    return {**rule, "clusterScope": True} if cluster else rule


def _flow(level: str, precedence: int, method: str, rule: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [rule],
    }
    return {**spec, "distinguisherMethod": {"type": method}} if method else spec


def _level(shares: int, lendable: int, queues: int, hand_size: int) -> dict[str, Any]:
    queuing = {"queues": queues, "handSize": hand_size, "queueLengthLimit": 50}
    response = {"type": "Queue", "queuing": queuing}
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return {"type": "Limited", "limited": limited}


_LEASES = "coordination.k8s.io"
_SUGGESTED_FLOWS = {
    "probes": _flow(
        "exempt",
        2,
        "",
        {
            "subjects": _ANYBODY,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}],
        },
    ),
    "system-leader-election": _flow(
        "leader-election",
        100,
        "ByUser",
        {
            "subjects": [*_users(_MANAGER, _SCHEDULER), *_KUBE_SYSTEM],
            "resourceRules": [_resources(["get", "create", "update"], _LEASES, "leases")],
        },
    ),
    "system-node-high": _flow(
        "node-high",
        400,
        "ByUser",
        {
            "subjects": _NODES,
            "resourceRules": [
                _resources(["*"], "", "nodes", "nodes/status", cluster=True),
                _resources(["*"], _LEASES, "leases"),
            ],
        },
    ),
    "system-nodes": _flow("system", 500, "ByUser", everything(_NODES)),
    "kube-controller-manager": _flow("workload-high", 800, "ByNamespace", everything(_users(_MANAGER))),
    "kube-scheduler": _flow("workload-high", 800, "ByNamespace", everything(_users(_SCHEDULER))),
    "kube-system-service-accounts": _flow("workload-high", 900, "ByNamespace", everything(_KUBE_SYSTEM)),
    "service-accounts": _flow("workload-low", 9000, "ByUser", everything(groups("system:serviceaccounts"))),
    "global-default": _flow("global-default", 9900, "ByUser", everything(_ANYBODY)),
}
_SUGGESTED_LEVELS = {
    "system": _level(30, 33, 64, 6),
    "node-high": _level(40, 25, 64, 6),
    "leader-election": _level(10, 0, 16, 4),
    "workload-high": _level(40, 50, 128, 6),
    "workload-low": _level(100, 90, 128, 6),
    "global-default": _level(20, 50, 128, 6),
}

FLOWS: dict[str, dict[str, Any]] = {**FLOW_SPECS, **_SUGGESTED_FLOWS}
"""The spec of each FlowSchema that the server makes."""
LEVELS: dict[str, dict[str, Any]] = {**LEVEL_SPECS, **_SUGGESTED_LEVELS}
"""The spec of each priority level that the server makes."""
