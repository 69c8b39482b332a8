"""Roles of the control plane's parts, and of servers beside it."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import EVENTS, READ, READ_WRITE, Area, account, bound, may, role, user

AREA = Area(
    (
        role(
            "system:kube-controller-manager",
            EVENTS,
            may("create", "leases", "coordination.k8s.io"),
            may("get update", "leases", "coordination.k8s.io", names="kube-controller-manager"),
            may("create", "secrets serviceaccounts"),
            may("delete", "secrets"),
            may("get", "configmaps namespaces secrets serviceaccounts"),
            may("update", "secrets serviceaccounts"),
            may("create", "tokenreviews", "authentication.k8s.io"),
            may("create", "subjectaccessreviews", "authorization.k8s.io"),
            may("list watch", "*", "*"),
            may("create", "serviceaccounts/token"),
        ),
        role(
            "system:kube-scheduler",
            EVENTS,
            may("create", "leases", "coordination.k8s.io"),
            may("get list update watch", "leases", "coordination.k8s.io", names="kube-scheduler"),
            may(READ_WRITE, "leasecandidates", "coordination.k8s.io"),
            may(READ, "nodes"),
            may("delete get list watch", "pods"),
            may("create", "bindings pods/binding"),
            may("patch update", "pods/status"),
            may(READ, "replicationcontrollers services"),
            may(READ, "replicasets", "apps extensions"),
            may(READ, "statefulsets", "apps"),
            may(READ, "poddisruptionbudgets", "policy"),
            may(READ, "persistentvolumeclaims persistentvolumes"),
            may("create", "tokenreviews", "authentication.k8s.io"),
            may("create", "subjectaccessreviews", "authorization.k8s.io"),
            may(READ, "csinodes", "storage.k8s.io"),
            may(READ, "volumeattachments", "storage.k8s.io"),
            may(READ, "namespaces"),
            may(READ, "csidrivers", "storage.k8s.io"),
            may(READ, "csistoragecapacities", "storage.k8s.io"),
            may(READ, "deviceclasses", "resource.k8s.io"),
            may("get list patch update watch", "resourceclaims", "resource.k8s.io"),
            may("get list patch update watch", "resourceclaims/status", "resource.k8s.io"),
            may("update", "pods/finalizers"),
            may(READ, "resourceslices", "resource.k8s.io"),
            may("create delete", "resourceclaims", "resource.k8s.io"),
            may(READ, "devicetaintrules", "resource.k8s.io"),
            may("patch update", "resourceclaims/binding", "resource.k8s.io"),
        ),
        role(
            "system:volume-scheduler",
            may("get list patch update watch", "persistentvolumes"),
            may(READ, "storageclasses", "storage.k8s.io"),
            may("get list patch update watch", "persistentvolumeclaims"),
        ),
        role(
            "system:kube-dns",
            may("list watch", "endpoints services"),
        ),
        role(
            "system:kube-aggregator",
            may(READ, "endpoints services"),
        ),
        role(
            "system:auth-delegator",
            may("create", "tokenreviews", "authentication.k8s.io"),
            may("create", "subjectaccessreviews", "authorization.k8s.io"),
        ),
        role(
            "system:heapster",
            may(READ, "events namespaces nodes pods"),
            may(READ, "deployments", "extensions"),
        ),
        role(
            "system:persistent-volume-provisioner",
            may("create delete get list watch", "persistentvolumes"),
            may("get list update watch", "persistentvolumeclaims"),
            may(READ, "storageclasses", "storage.k8s.io"),
            may("watch", "events"),
            EVENTS,
        ),
    ),
    (
        bound("system:kube-controller-manager", user("system:kube-controller-manager")),
        bound("system:kube-scheduler", user("system:kube-scheduler")),
        bound("system:volume-scheduler", user("system:kube-scheduler")),
        bound("system:kube-dns", account("kube-dns")),
    ),
)
