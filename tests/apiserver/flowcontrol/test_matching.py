"""Which FlowSchema a request falls into, with the ones that a cluster begins with and with others."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import codec
from steersman.api.http import User
from steersman.apiserver import requestinfo
from steersman.apiserver.flowcontrol import matching, objects
from steersman.apiserver.requestinfo import Query
from steersman.kinds.types.flowcontrol_v1 import FlowSchema

AUTHENTICATED = "system:authenticated"


def flow(name: str, spec: dict[str, Any]) -> FlowSchema:
    return codec.from_builtins(FlowSchema, {"metadata": {"name": name}, "spec": spec})[0]


SCHEMAS = matching.in_order([flow(name, spec) for name, spec in objects.FLOWS.items()])


def user(name: str, *groups: str) -> User:
    return User(name, (*groups, AUTHENTICATED))


def account(namespace: str) -> User:
    return user(f"system:serviceaccount:{namespace}:a", "system:serviceaccounts", f"system:serviceaccounts:{namespace}")


NODE = user("system:node:n", "system:nodes")
MANAGER = user("system:kube-controller-manager")
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l"


@pytest.mark.parametrize(
    ("who", "method", "path", "expected"),
    [
        (user("a", "system:masters"), "GET", "/api/v1/pods", "exempt"),
        (user("a"), "GET", "/healthz", "probes"),
        (user("a"), "GET", "/readyz/etcd", "probes"),
        (user("a"), "POST", "/healthz", "global-default"),
        (user("a"), "GET", "/healthzz", "global-default"),
        (MANAGER, "PUT", LEASE, "system-leader-election"),
        (MANAGER, "DELETE", LEASE, "kube-controller-manager"),
        (MANAGER, "GET", "/version", "kube-controller-manager"),
        (user("system:kube-scheduler"), "GET", "/api/v1/pods", "kube-scheduler"),
        (NODE, "PATCH", "/api/v1/nodes/n/status", "system-node-high"),
        (NODE, "GET", "/api/v1/nodes", "system-node-high"),
        (NODE, "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n", "system-node-high"),
        (NODE, "GET", "/api/v1/nodes/n/proxy/x", "system-nodes"),
        (NODE, "GET", "/api/v1/pods", "system-nodes"),
        (account("kube-system"), "GET", "/api/v1/pods", "kube-system-service-accounts"),
        (account("kube-systems"), "GET", "/api/v1/pods", "service-accounts"),
        (account("a"), "GET", "/api", "service-accounts"),
        (user("a"), "GET", "/api/v1/pods", "global-default"),
        (User("system:anonymous", ("system:unauthenticated",)), "GET", "/version", "global-default"),
        (User("nobody"), "GET", "/api/v1/pods", ""),
    ],
)
def test_the_cluster_s_own(who: User, method: str, path: str, expected: str) -> None:
    info = requestinfo.parse(method, path, Query(""))
    found = next((s.metadata.name for s in SCHEMAS if matching.matches(s, who, info)), "")
    assert found == expected


def test_order() -> None:
    names = [s.metadata.name for s in SCHEMAS]
    assert names[:2] == ["exempt", "probes"]
    assert names[-2:] == ["global-default", "catch-all"]
    alike = [flow(name, {"matchingPrecedence": 5}) for name in ("b", "a")]
    assert [s.metadata.name for s in matching.in_order(alike)] == ["a", "b"]


RESOURCES = {"verbs": ["list"], "apiGroups": ["apps"], "resources": ["deployments", "pods/*"], "namespaces": ["n"]}
ACCOUNT = {"kind": "ServiceAccount", "serviceAccount": {"name": "a", "namespace": "n"}}


@pytest.mark.parametrize(
    ("subject", "rule", "path", "expected"),
    [
        (ACCOUNT, RESOURCES, "/apis/apps/v1/namespaces/n/deployments", True),
        ({"kind": "User", "user": {"name": "*"}}, RESOURCES, "/apis/apps/v1/namespaces/n/deployments", True),
        ({"kind": "Group", "group": {"name": "*"}}, RESOURCES, "/apis/apps/v1/namespaces/n/deployments", True),
        ({"kind": "User", "user": {"name": "b"}}, RESOURCES, "/apis/apps/v1/namespaces/n/deployments", False),
        ({"kind": "User"}, RESOURCES, "/apis/apps/v1/namespaces/n/deployments", False),
        (ACCOUNT, RESOURCES, "/apis/apps/v1/namespaces/m/deployments", False),
        (ACCOUNT, RESOURCES, "/apis/apps/v1/deployments", False),
        (ACCOUNT, {**RESOURCES, "clusterScope": True}, "/apis/apps/v1/deployments", True),
        (ACCOUNT, RESOURCES, "/apis/apps/v1/namespaces/n/deployments/d", False),
        (ACCOUNT, RESOURCES, "/apis/batch/v1/namespaces/n/deployments", False),
        (ACCOUNT, RESOURCES, "/apis/apps/v1/namespaces/n/pods", False),
        (ACCOUNT, RESOURCES, "/version", False),
    ],
)
def test_rules(subject: dict[str, Any], rule: dict[str, Any], path: str, expected: bool) -> None:
    schema = flow("s", {"rules": [{"subjects": [subject], "resourceRules": [rule]}]})
    info = requestinfo.parse("GET", path, Query(""))
    assert matching.matches(schema, account("n"), info) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [("/a", "/a", True), ("/a", "/a/b", True), ("/a", "/ab", False), ("/a/*", "/a/b/c", True), ("/a/*", "/b", False), ("/", "/x", True)],
)  # fmt: skip
def test_paths(pattern: str, path: str, expected: bool) -> None:
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "*"}}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": [pattern]}],
    }
    info = requestinfo.parse("GET", path, Query(""))
    assert matching.matches(flow("s", {"rules": [rule]}), user("a"), info) is expected
