"""Roles of what runs on nodes, and of those who talk to kubelets. Nodes have their rights from the Node authorizer, not by a binding."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import EVENTS, READ, Area, bound, may, role, user

AREA = Area(
    (
        role(
            "system:node",
            may("create", "tokenreviews", "authentication.k8s.io"),
            may("create", "localsubjectaccessreviews subjectaccessreviews", "authorization.k8s.io"),
            may(READ, "services"),
            may("create get list watch", "nodes"),
            may("patch update", "nodes/status"),
            may("patch update", "nodes"),
            may("create patch update", "events", "core events.k8s.io"),
            may(READ, "pods"),
            may("create delete", "pods"),
            may("patch update", "pods/status"),
            may("create", "pods/eviction"),
            may(READ, "configmaps secrets"),
            may("get", "persistentvolumeclaims persistentvolumes"),
            may("get", "endpoints"),
            may("create get list watch", "certificatesigningrequests", "certificates.k8s.io"),
            may("create delete get patch update", "leases", "coordination.k8s.io"),
            may("get", "volumeattachments", "storage.k8s.io"),
            may("create", "serviceaccounts/token"),
            may("get patch update", "persistentvolumeclaims/status"),
            may(READ, "csidrivers", "storage.k8s.io"),
            may("create delete get patch update", "csinodes", "storage.k8s.io"),
            may(READ, "runtimeclasses", "node.k8s.io"),
            may("get", "resourceclaims", "resource.k8s.io"),
            may("deletecollection", "resourceslices", "resource.k8s.io"),
            may(READ, "clustertrustbundles", "certificates.k8s.io"),
            may("get", "serviceaccounts"),
            may("create get list watch", "podcertificaterequests", "certificates.k8s.io"),
        ),
        role(
            "system:node-bootstrapper",
            may("create get list watch", "certificatesigningrequests", "certificates.k8s.io"),
        ),
        role(
            "system:node-problem-detector",
            may("get", "nodes"),
            may("patch", "nodes/status"),
            EVENTS,
        ),
        role(
            "system:node-proxier",
            may("list watch", "endpoints services"),
            may(READ, "nodes"),
            EVENTS,
            may("list watch", "servicecidrs", "networking.k8s.io"),
            may("list watch", "endpointslices", "discovery.k8s.io"),
        ),
        role(
            "system:kubelet-api-admin",
            may(READ, "nodes"),
            may("proxy", "nodes"),
            may("*", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
            may("*", "nodes/configz nodes/healthz nodes/pods"),
        ),
    ),
    (
        bound("system:node"),
        bound("system:node-proxier", user("system:kube-proxy")),
    ),
)
