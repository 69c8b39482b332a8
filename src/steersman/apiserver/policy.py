"""The built-in policy: what the parts of the cluster, and everybody, may do without any role binding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from steersman.api.http import User
from steersman.apiserver.authz import NO_OPINION, Attributes, Decision, Local, Rule, Rules, Verdict

READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete")
ALL_VERBS = ("*",)

_EVENTS = Rule(("create", "update", "patch"), ("", "events.k8s.io"), ("events",))
_LEASES = Rule(("get", "list", "watch", *WRITE), ("coordination.k8s.io",), ("leases",))
_REVIEWS = (
    Rule(("create",), ("authentication.k8s.io",), ("tokenreviews",)),
    Rule(("create",), ("authorization.k8s.io",), ("subjectaccessreviews",)),
)

PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/", "/livez/*", "/readyz/*", "/healthz/*")
_DISCOVERY_PATHS = (
    "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/.well-known/openid-configuration", "/openid/v1/jwks",
)  # fmt: skip

_SCHEDULER = (
    Rule(READ, ("",), (
        "nodes", "pods", "persistentvolumes", "persistentvolumeclaims", "services", "replicationcontrollers", "namespaces",
    )),
    Rule(READ, ("apps",), ("replicasets", "statefulsets")),
    Rule(READ, ("policy",), ("poddisruptionbudgets",)),
    Rule(READ, ("storage.k8s.io",), ("*",)),
    Rule(READ, ("scheduling.k8s.io",), ("*",)),
    Rule(("get", "list", "watch", "update", "patch"), ("resource.k8s.io",), ("*",)),
    Rule(("create",), ("",), ("bindings", "pods/binding")),
    Rule(("update", "patch"), ("",), ("pods/status",)),
    Rule(("delete",), ("",), ("pods",)),
    Rule(("update", "patch"), ("",), ("persistentvolumes", "persistentvolumeclaims")),
    _EVENTS,
    _LEASES,
    *_REVIEWS,
)  # fmt: skip

_NODES = (
    Rule((*READ, *WRITE), ("",), ("nodes",)),
    Rule(("get", "update", "patch"), ("",), ("nodes/status",)),
    Rule((*READ, "create", "delete"), ("",), ("pods",)),
    Rule(("get", "update", "patch"), ("",), ("pods/status",)),
    Rule(("create",), ("",), ("pods/eviction",)),
    Rule(("create",), ("",), ("serviceaccounts/token",)),
    Rule(READ, ("",), (
        "services", "configmaps", "secrets", "persistentvolumes", "persistentvolumeclaims", "endpoints",
        "serviceaccounts", "namespaces",
    )),
    Rule(("get", "update", "patch"), ("",), ("persistentvolumeclaims/status",)),
    Rule(READ, ("discovery.k8s.io",), ("endpointslices",)),
    Rule(READ, ("node.k8s.io",), ("runtimeclasses",)),
    Rule((*READ, *WRITE), ("storage.k8s.io",), ("csinodes",)),
    Rule(READ, ("storage.k8s.io",), ("csidrivers", "volumeattachments")),
    Rule((*READ, *WRITE, "deletecollection"), ("resource.k8s.io",), ("*",)),
    Rule((*READ, "create"), ("certificates.k8s.io",), ("certificatesigningrequests",)),
    _EVENTS,
    _LEASES,
    *_REVIEWS,
)  # fmt: skip

_SERVICE_READER = (
    Rule(READ, ("",), ("services", "endpoints", "nodes", "namespaces", "pods")),
    Rule(READ, ("discovery.k8s.io",), ("endpointslices",)),
    Rule(READ, ("networking.k8s.io",), ("servicecidrs", "ipaddresses", "networkpolicies")),
    _EVENTS,
    _LEASES,
)

_USERS: Mapping[str, tuple[Rule, ...]] = {
    "system:kube-scheduler": _SCHEDULER,
    "system:kube-proxy": _SERVICE_READER,
    # It keeps its own Service: it runs outside of the cluster, where no selector finds it.
    "system:steersman-dns": (
        *_SERVICE_READER,
        Rule(WRITE, ("",), ("services",)),
        Rule(WRITE, ("discovery.k8s.io",), ("endpointslices",)),
    ),
    "system:serviceaccount:kube-system:coredns": _SERVICE_READER,
}
_GROUPS: Mapping[str, tuple[Rule, ...]] = {
    "system:nodes": _NODES,
    "system:monitoring": (
        Rule(("get",), paths=("/metrics", "/metrics/*", "/livez", "/livez/*", "/readyz", "/readyz/*", "/healthz")),
    ),
    "system:authenticated": (
        Rule(("get", "head"), paths=PUBLIC_PATHS + _DISCOVERY_PATHS),
        Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")),
        Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
    ),
    "system:unauthenticated": (Rule(("get", "head"), paths=PUBLIC_PATHS),),
}


class BuiltinPolicy(Local):
    """The authorizer of the policy above."""

    def decide(self, attributes: Attributes) -> Decision:
        for rule in self._rules(attributes.user):
            if rule.allows(attributes):
                return Decision(Verdict.ALLOW, general=not rule.names)
        return NO_OPINION

    def rules(self, user: User, namespace: str) -> Rules:
        return Rules(list(self._rules(user)))

    def _rules(self, user: User) -> Iterator[Rule]:
        yield from _USERS.get(user.name, ())
        for group in user.groups:
            yield from _GROUPS.get(group, ())
