"""Approves the serving certificates that kubelets ask for, of nodes whose addresses are known from elsewhere than themselves.

Kubernetes leaves this to people, because a node says by itself which addresses it has: with one of the API server's among them it
could pass for that. Here the configuration says which hosts each node of the cluster is; what asks for another is left to people.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from steersman.api.identities import NODE_PREFIX, NODES
from steersman.api.meta import format_time
from steersman.controller.declaration import Context, Controller, own
from steersman.controllers.csrapproving import approved, is_decided
from steersman.controllers.csrsigning import refusal
from steersman.kinds.certificates.signers import KUBELET_SERVING
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

if TYPE_CHECKING:
    from steersman.pki.requests import Asked

_MESSAGE = "Auto approving kubelet serving certificate: it is the node's own, for its own hosts."


class Approver:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._hosts = context.config.node_hosts
        self._requests = context.informers.informer(CertificateSigningRequest)

    async def reconcile(self, key: str) -> None:
        found = self._requests.get(key)
        if found is None or not self._hosts or found.spec.signerName != KUBELET_SERVING or is_decided(found):
            return
        from steersman.pki import requests

        try:
            asked = requests.asked(b64decode(found.spec.request))
        except ValueError:
            # The API server has taken it for one; whoever approves it by hand will hear of it from the signer.
            return
        if is_own(found, asked, self._hosts):
            await self._client.update(approved(found, _MESSAGE, format_time(self._clock.now())), "approval")


def is_own(request: CertificateSigningRequest, asked: Asked, hosts: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a node asks for itself, and for nothing but the hosts that it is known to be."""
    spec = request.spec
    if refusal(KUBELET_SERVING, asked, spec.usages or []):
        return False
    if spec.username != asked.common_name or NODES not in (spec.groups or ()):
        return False
    known = hosts.get(asked.common_name.removeprefix(NODE_PREFIX), ())
    return bool(known) and set(asked.hosts) <= set(known)


CONTROLLER = Controller(
    name="kubeletservingapproving",
    reconciler=Approver,
    watches=(own(CertificateSigningRequest),),
    component="kubelet-serving-approving-controller",
    account="kubelet-serving-approver",
)
