"""Roles of the controllers that keep a cluster in order: nodes, namespaces, accounts, certificates, garbage."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import EVENTS, READ, controller, controllers, may

AREA = controllers(
    controller(
        "node-controller",
        may("delete get list patch update watch", "nodes"),
        may("patch update", "nodes/status"),
        may("patch update", "pods/status"),
        may("delete get list watch", "pods"),
        may(READ, "leases", "coordination.k8s.io"),
        EVENTS,
    ),
    controller(
        "ttl-controller",
        may("list patch update watch", "nodes"),
        EVENTS,
    ),
    controller(
        "pod-garbage-collector",
        may("delete list watch", "pods"),
        may(READ, "nodes"),
        may("patch", "pods/status"),
    ),
    controller(
        "generic-garbage-collector",
        may("delete get list patch update watch", "*", "*"),
        EVENTS,
    ),
    controller(
        "namespace-controller",
        may("delete get list watch", "namespaces"),
        may("update", "namespaces/finalize namespaces/status"),
        may("delete deletecollection get list watch", "*", "*"),
    ),
    controller(
        "resourcequota-controller",
        may("list watch", "*", "*"),
        may("update", "resourcequotas/status"),
        EVENTS,
    ),
    controller(
        "service-account-controller",
        may("create", "serviceaccounts"),
        EVENTS,
    ),
    controller(
        "legacy-service-account-token-cleaner",
        may("get", "configmaps", names="kube-apiserver-legacy-service-account-token-tracking"),
        may("delete patch", "secrets"),
    ),
    controller(
        "root-ca-cert-publisher",
        may("create update", "configmaps"),
        EVENTS,
    ),
    controller(
        "kube-apiserver-serving-clustertrustbundle-publisher",
        may("attest", "signers", "certificates.k8s.io", names="kubernetes.io/kube-apiserver-serving"),
        may("create delete list update watch", "clustertrustbundles", "certificates.k8s.io"),
        EVENTS,
    ),
    controller(
        "certificate-controller",
        may("delete get list watch", "certificatesigningrequests", "certificates.k8s.io"),
        may("update", "certificatesigningrequests/approval certificatesigningrequests/status", "certificates.k8s.io"),
        may("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kube-apiserver-client-kubelet"),
        may(
            "sign",
            "signers",
            "certificates.k8s.io",
            names="kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet "
            "kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown",
        ),
        may("create", "subjectaccessreviews", "authorization.k8s.io"),
        EVENTS,
    ),
    controller(
        "podcertificaterequestcleaner",
        may("delete get list watch", "podcertificaterequests", "certificates.k8s.io"),
    ),
    controller(
        "clusterrole-aggregation-controller",
        may("escalate get list patch update watch", "clusterroles", "rbac.authorization.k8s.io"),
    ),
    controller(
        "validatingadmissionpolicy-status-controller",
        may(READ, "validatingadmissionpolicies", "admissionregistration.k8s.io"),
        may("get patch update", "validatingadmissionpolicies/status", "admissionregistration.k8s.io"),
        EVENTS,
    ),
    controller(
        "storage-version-migrator-controller",
        may("list patch", "*", "*"),
        may("get", "customresourcedefinitions", "apiextensions.k8s.io"),
        may("patch", "customresourcedefinitions/status", "apiextensions.k8s.io"),
        may("update", "storageversionmigrations/status", "storagemigration.k8s.io"),
    ),
)
