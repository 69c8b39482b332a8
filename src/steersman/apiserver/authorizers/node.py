"""The Node authorizer: a kubelet may do what its node needs, and read what the pods that are bound to its node refer to.

What a node may write is restricted further by the admission plugin NodeRestriction, which sees the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steersman.api.field import quote
from steersman.api.http import User
from steersman.api.identities import NODE_PREFIX, NODES
from steersman.apiserver.authorizers.nodegraph import NodeGraph, Objects
from steersman.apiserver.authz import NO_OPINION, Attributes, Decision, Local, Rules, Verdict

LEASES = "kube-node-lease"

_READ = frozenset({"get", "list", "watch"})
_OWN = frozenset({"get", "create", "update", "patch", "delete"})
_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
_CERTIFICATES, _STORAGE, _RESOURCE = "certificates.k8s.io", "storage.k8s.io", "resource.k8s.io"

_RULES: Mapping[tuple[str, str], frozenset[str]] = {
    (_AUTHENTICATION, "tokenreviews"): frozenset({"create"}),
    (_AUTHORIZATION, "subjectaccessreviews"): frozenset({"create"}),
    (_AUTHORIZATION, "localsubjectaccessreviews"): frozenset({"create"}),
    ("", "services"): _READ,
    ("", "endpoints"): frozenset({"get"}),
    ("", "events"): frozenset({"create", "update", "patch"}),
    ("events.k8s.io", "events"): frozenset({"create", "update", "patch"}),
    (_CERTIFICATES, "certificatesigningrequests"): frozenset({"create", *_READ}),
    (_CERTIFICATES, "clustertrustbundles"): _READ,
    (_STORAGE, "csidrivers"): _READ,
    ("node.k8s.io", "runtimeclasses"): _READ,
}
"""What all nodes may do alike."""


def node_of(user: User) -> str | None:
    """The name of the node that a user is; None for everybody else."""
    if NODES in user.groups and user.name.startswith(NODE_PREFIX):
        return user.name.removeprefix(NODE_PREFIX)
    return None


# In general a node may do nothing: all depends on the object.
_YES = Decision(Verdict.ALLOW)


def _no(reason: str) -> Decision:
    return Decision(Verdict.NO_OPINION, reason)


_Decide = Callable[["NodeAuthorizer", str, Attributes], Decision]


class NodeAuthorizer(Local):
    """Decides for kubelets, and has no opinion on anybody else."""

    def __init__(self, objects: Objects, name: str = "node") -> None:
        super().__init__(name)
        self.graph = NodeGraph(objects)

    def decide(self, attributes: Attributes) -> Decision:
        node = node_of(attributes.user)
        if node is None:
            return NO_OPINION
        if not node:
            return _no(f"unknown node for user {quote(attributes.user.name)}")
        if not attributes.is_resource:
            return NO_OPINION
        special = _SPECIAL.get((attributes.group, attributes.resource))
        if special is not None:
            return special(self, node, attributes)
        verbs = _RULES.get((attributes.group, attributes.full_resource))
        return _YES if verbs is not None and attributes.verb in verbs else NO_OPINION

    def rules(self, user: User, namespace: str) -> Rules:
        if node_of(user) is None:
            return Rules()
        return Rules(incomplete=True, errors=["node authorizer does not support user rule resolution"])

    # By resource

    def _related(self, node: str, a: Attributes, check: Callable[[], bool]) -> Decision:
        if not a.name:
            return _no("No Object name found")
        return _YES if check() else _no(f"no relationship found between node '{node}' and this object")

    def _refers(self, node: str, a: Attributes) -> Decision:
        return self._related(node, a, lambda: self.graph.refers(node, a.resource, a.namespace, a.name))

    def _is_of(self, node: str, a: Attributes) -> Decision:
        return self._related(node, a, lambda: self.graph.is_of(node, a.group, a.resource, a.namespace, a.name))

    def readable(self, node: str, a: Attributes) -> Decision:
        """Secrets and config maps: single ones, also to be watched."""
        if a.verb not in _READ:
            return _no("can only read resources of this type")
        if a.subresource:
            return _no("cannot read subresource")
        if not a.namespace:
            return _no("can only read namespaced object of this type")
        return self._refers(node, a)

    def claim(self, node: str, a: Attributes) -> Decision:
        if a.subresource == "status":
            if a.verb not in ("update", "patch"):
                return _no("can only get/update/patch this type")
            return self._refers(node, a)
        return _get_only(a) or self._refers(node, a)

    def resource_claim(self, node: str, a: Attributes) -> Decision:
        return _get_only(a) or self._refers(node, a)

    def volume(self, node: str, a: Attributes) -> Decision:
        return _get_only(a) or self._related(node, a, lambda: self.graph.uses_volume(node, a.name))

    def attachment(self, node: str, a: Attributes) -> Decision:
        return _get_only(a) or self._is_of(node, a)

    def service_account(self, node: str, a: Attributes) -> Decision:
        if a.verb == "get" and not a.subresource:
            return self.readable(node, a)
        if a.verb != "create" or not a.name:
            return _no("can only create tokens for individual service accounts")
        if a.subresource != "token":
            return _no("can only create token subresource of serviceaccount")
        return self._refers(node, a)

    def lease(self, node: str, a: Attributes) -> Decision:
        if a.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a node lease")
        if a.namespace != LEASES:
            return _no(f'can only access leases in the "{LEASES}" system namespace')
        if a.verb != "create" and a.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return _YES

    def csi_node(self, node: str, a: Attributes) -> Decision:
        if a.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a CSINode")
        if a.subresource:
            return _no("cannot authorize CSINode subresources")
        if a.verb != "create" and a.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return _YES

    def slice(self, node: str, a: Attributes) -> Decision:
        if a.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        if a.verb == "create":
            return _YES
        if a.verb in ("get", "update", "patch", "delete"):
            return self._is_of(node, a)
        if a.verb in ("watch", "list", "deletecollection"):
            if _selects(a, "spec.nodeName", node):
                return _YES
            return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")
        verbs = "get, watch, list, create, update, patch, delete, deletecollection"
        return _no(f"only the following verbs are allowed for a ResourceSlice: {verbs}")

    def node(self, node: str, a: Attributes) -> Decision:
        if a.subresource == "status":
            return _YES if a.verb in ("update", "patch") else NO_OPINION
        if a.subresource:
            return NO_OPINION
        if a.verb in ("create", "update", "patch"):
            return _YES
        if a.verb not in _READ:
            return NO_OPINION
        if a.name == node:
            return _YES
        if not a.name:
            return _no(f"node '{node}' cannot read all nodes, only its own Node object")
        return _no(f"node '{node}' cannot read '{a.name}', only its own Node object")

    def pod(self, node: str, a: Attributes) -> Decision:
        if a.subresource == "status":
            return _YES if a.verb in ("update", "patch") else NO_OPINION
        if a.subresource == "eviction":
            return _YES if a.verb == "create" else NO_OPINION
        if a.subresource:
            return NO_OPINION
        if a.verb == "get":
            return self._is_of(node, a)
        if a.verb in ("list", "watch"):
            if _selects(a, "spec.nodeName", node):
                return _YES
            if a.name:
                return self._is_of(node, a)
            return _no("can only list/watch pods with spec.nodeName field selector")
        return _YES if a.verb in ("create", "delete") else NO_OPINION

    def pod_certificate_request(self, node: str, a: Attributes) -> Decision:
        if a.subresource:
            return _no("nodes may not access the status subresource of PodCertificateRequests")
        if a.verb == "create":
            return _YES
        if a.verb == "get":
            return self._is_of(node, a)
        if a.verb in ("list", "watch"):
            if _selects(a, "spec.nodeName", node):
                return _YES
            return _no("can only list/watch podcertificaterequests with nodeName field selector")
        return _no(f"nodes may not {a.verb} podcertificaterequests")


def _get_only(a: Attributes) -> Decision | None:
    if a.verb != "get":
        return _no("can only get individual resources of this type")
    return _no("cannot get subresource") if a.subresource else None


def _selects(a: Attributes, field: str, value: str) -> bool:
    """Whether only objects are asked for that have this value."""
    selector = a.field_selector
    return selector is not None and any(t.field == field and t.value == value and not t.negated for t in selector.terms)


_SPECIAL: Mapping[tuple[str, str], _Decide] = {
    ("", "secrets"): NodeAuthorizer.readable,
    ("", "configmaps"): NodeAuthorizer.readable,
    ("", "persistentvolumeclaims"): NodeAuthorizer.claim,
    ("", "persistentvolumes"): NodeAuthorizer.volume,
    ("", "serviceaccounts"): NodeAuthorizer.service_account,
    ("", "nodes"): NodeAuthorizer.node,
    ("", "pods"): NodeAuthorizer.pod,
    (_RESOURCE, "resourceclaims"): NodeAuthorizer.resource_claim,
    (_RESOURCE, "resourceslices"): NodeAuthorizer.slice,
    (_STORAGE, "volumeattachments"): NodeAuthorizer.attachment,
    (_STORAGE, "csinodes"): NodeAuthorizer.csi_node,
    ("coordination.k8s.io", "leases"): NodeAuthorizer.lease,
    (_CERTIFICATES, "podcertificaterequests"): NodeAuthorizer.pod_certificate_request,
}
"""What is a matter of which node asks for which object."""
