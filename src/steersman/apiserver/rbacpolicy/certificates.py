"""Roles of those who may have certificates, and who may approve them."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import Area, may, role

AREA = Area(
    (
        role(
            "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
            may("create", "certificatesigningrequests/nodeclient", "certificates.k8s.io"),
        ),
        role(
            "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
            may("create", "certificatesigningrequests/selfnodeclient", "certificates.k8s.io"),
        ),
        role(
            "system:certificates.k8s.io:legacy-unknown-approver",
            may("approve", "signers", "certificates.k8s.io", names="kubernetes.io/legacy-unknown"),
        ),
        role(
            "system:certificates.k8s.io:kubelet-serving-approver",
            may("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kubelet-serving"),
        ),
        role(
            "system:certificates.k8s.io:kube-apiserver-client-approver",
            may("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kube-apiserver-client"),
        ),
        role(
            "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
            may("approve", "signers", "certificates.k8s.io", names="kubernetes.io/kube-apiserver-client-kubelet"),
        ),
    ),
)
