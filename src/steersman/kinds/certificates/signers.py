"""The signers that Kubernetes itself is."""

from __future__ import annotations

from typing import Final

CLIENT: Final = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT: Final = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING: Final = "kubernetes.io/kubelet-serving"
LEGACY: Final = "kubernetes.io/legacy-unknown"
"""Of requests from before there were signers."""
SIGNERS: Final = (CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY)
API_SERVER_SERVING: Final = "kubernetes.io/kube-apiserver-serving"
"""Whose trust bundle has the authority of the API server's own certificate."""
