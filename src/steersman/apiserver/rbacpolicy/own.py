"""What Kubernetes has no role or binding for: who asks kubelets in the API server's name, and the DNS server outside of the cluster."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import READ, SYSTEM, Area, Binding, Role, may, user

KUBELET_CLIENT = "kube-apiserver-kubelet-client"
DNS = "system:steersman-dns"
_DNS = user(DNS)

AREA = Area(
    (
        Role(
            DNS,
            (
                may(READ, "namespaces services"),
                may(READ, "endpointslices", "discovery.k8s.io"),
            ),
            ours=True,
        ),
        # It keeps its own Service: it runs outside of the cluster, where no selector finds it.
        Role(
            DNS,
            (
                may("create", "services"),
                may("create", "endpointslices", "discovery.k8s.io"),
                may("update", "endpointslices", "discovery.k8s.io", names="kube-dns"),
            ),
            SYSTEM,
            ours=True,
        ),
    ),
    (
        Binding(f"system:{KUBELET_CLIENT}", "system:kubelet-api-admin", (user(KUBELET_CLIENT),), ours=True),
        Binding(DNS, DNS, (_DNS,), ours=True),
        Binding(DNS, DNS, (_DNS,), SYSTEM, ours=True),
    ),
)
