"""What Kubernetes has no role or binding for: who asks kubelets in the API server's name, the DNS server outside of the cluster,
the controller of what in Kubernetes the API server itself does, simulated nodes, and how new
nodes come in, for which kubeadm makes bindings."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import (
    CONTROLLER,
    EVENTS,
    READ,
    SYSTEM,
    Area,
    Binding,
    Role,
    account,
    group,
    may,
    user,
)

KUBELET_CLIENT = "kube-apiserver-kubelet-client"
DNS = "system:steersman-dns"
# It stands for many nodes, so that it cannot be one of them.
SIMULATION = "system:steersman-simulation"
_DNS = user(DNS)
_ADDRESSES = "service-ipaddress-controller"
_SERVING = "kubelet-serving-approver"
# Whom the bootstrap tokens of new nodes stand for, as with kubeadm.
BOOTSTRAPPERS = "system:bootstrappers:kubeadm:default-node-token"
_REQUESTS = "system:certificates.k8s.io:certificatesigningrequests:"

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
        Role(
            f"{CONTROLLER}{_ADDRESSES}",
            (may("create delete", "ipaddresses", "networking.k8s.io"), EVENTS),
            ours=True,
        ),
        Role(
            f"{CONTROLLER}{_SERVING}",
            (
                may("get list watch", "certificatesigningrequests", "certificates.k8s.io"),
                may("update", "certificatesigningrequests/approval", "certificates.k8s.io"),
                may("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kubelet-serving"),
                EVENTS,
            ),
            ours=True,
        ),
    ),
    (
        Binding(SIMULATION, "system:node", (user(SIMULATION),), ours=True),
        Binding(f"system:{KUBELET_CLIENT}", "system:kubelet-api-admin", (user(KUBELET_CLIENT),), ours=True),
        Binding(DNS, DNS, (_DNS,), ours=True),
        Binding(DNS, DNS, (_DNS,), SYSTEM, ours=True),
        Binding(CONTROLLER + _ADDRESSES, CONTROLLER + _ADDRESSES, (account(_ADDRESSES),), ours=True),
        Binding(CONTROLLER + _SERVING, CONTROLLER + _SERVING, (account(_SERVING),), ours=True),
        Binding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", (group(BOOTSTRAPPERS),), ours=True),
        Binding("kubeadm:node-autoapprove-bootstrap", f"{_REQUESTS}nodeclient", (group(BOOTSTRAPPERS),), ours=True),
        Binding(
            "kubeadm:node-autoapprove-certificate-rotation",
            f"{_REQUESTS}selfnodeclient",
            (group("system:nodes"),),
            ours=True,
        ),
    ),
)
