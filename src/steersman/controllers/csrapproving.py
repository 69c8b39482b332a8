"""Approves what kubelets ask for as clients: of those who may ask for any node's certificate, or each for its own."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from steersman.api import codec
from steersman.api.meta import format_time, parse_time
from steersman.controller.declaration import Context, Controller, own
from steersman.controllers.csrsigning import decide, refusal
from steersman.kinds.certificates.signers import KUBELET_CLIENT
from steersman.kinds.types.authorization_v1 import ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

if TYPE_CHECKING:
    from steersman.pki.requests import Asked

# Subresources of certificatesigningrequests: whoever may create them has such requests approved.
SELF, ANY = "selfnodeclient", "nodeclient"
_SOONEST, _LATEST = 1.0, 600.0
_MESSAGES = {
    SELF: "Auto approving self kubelet client certificate after SubjectAccessReview.",
    ANY: "Auto approving kubelet client certificate after SubjectAccessReview.",
}


class Approver:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._requests = context.informers.informer(CertificateSigningRequest)

    async def reconcile(self, key: str) -> float | None:
        found = self._requests.get(key)
        if found is None or found.spec.signerName != KUBELET_CLIENT or is_decided(found):
            return None
        # The library takes long to load, and most clusters are never asked.
        from steersman.pki import requests

        try:
            asked = requests.asked(b64decode(found.spec.request))
        except ValueError:
            # The API server has taken it for one; whoever approves it by hand will hear of it from the signer.
            return None
        enough = permissions(found, asked)
        for subresource in enough:
            if await self._may(found, subresource):
                await self._client.update(approved(found, _MESSAGES[subresource], self._now()), "approval")
                return None
        # Rights may be given later, and nobody tells us.
        return self._again(found) if enough else None

    def _again(self, request: CertificateSigningRequest) -> float:
        """After how long to look again: the older it is, the later."""
        age = (self._clock.now() - parse_time(request.metadata.creationTimestamp)).total_seconds()
        return min(max(age, _SOONEST), _LATEST)

    def _now(self) -> str:
        return format_time(self._clock.now())

    async def _may(self, request: CertificateSigningRequest, subresource: str) -> bool:
        spec = request.spec
        wish = ResourceAttributes(
            verb="create", group="certificates.k8s.io", resource="certificatesigningrequests", subresource=subresource
        )
        review = SubjectAccessReview(
            spec=SubjectAccessReviewSpec(
                user=spec.username, uid=spec.uid, groups=spec.groups, extra=spec.extra, resourceAttributes=wish
            )
        )
        return (await self._client.create(review)).status.allowed


def is_decided(request: CertificateSigningRequest) -> bool:
    """Whether there is nothing to approve any more."""
    return bool(request.status.certificate) or any(
        c.type in ("Approved", "Denied", "Failed") for c in request.status.conditions or ()
    )


def permissions(request: CertificateSigningRequest, asked: Asked) -> list[str]:
    """Of which of these permissions one suffices for the request; none for what is no kubelet's."""
    if refusal(KUBELET_CLIENT, asked, request.spec.usages or []):
        return []
    return [SELF, ANY] if request.spec.username == asked.common_name else [ANY]


def approved(request: CertificateSigningRequest, message: str, now: str) -> CertificateSigningRequest:
    """The request with an approval."""
    changed = codec.clone(request)
    decide(changed, "Approved", "AutoApproved", message, now)
    return changed


CONTROLLER = Controller(
    name="csrapproving",
    reconciler=Approver,
    watches=(own(CertificateSigningRequest),),
    component="certificatesigningrequest-approving-controller",
    account="certificate-controller",
)
