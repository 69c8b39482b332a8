"""Signs approved CertificateSigningRequests of the signers that Kubernetes itself is, with the cluster's authority."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import timedelta
from typing import TYPE_CHECKING

from steersman.api import codec
from steersman.api.identities import NODE_PREFIX, NODES
from steersman.api.meta import format_time
from steersman.controller.declaration import Context, Controller, NotYet, own
from steersman.kinds.certificates.signers import CLIENT, KUBELET_CLIENT, KUBELET_SERVING, SIGNERS
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition

if TYPE_CHECKING:
    from steersman.pki.requests import Asked

_SHORTEST, _LONGEST = timedelta(minutes=10), timedelta(days=365)
# Keys that cannot encipher need not say so.
_OPTIONAL = frozenset({"digital signature", "key encipherment"})


class SigningRequests:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._authority = context.config.signing_authority
        self._requests = context.informers.informer(CertificateSigningRequest)

    async def reconcile(self, key: str) -> None:
        found = self._requests.get(key)
        if found is None or self._authority is None or not wants_signature(found):
            return
        # The library takes long to load, and most clusters are never asked.
        from steersman.pki import requests
        from steersman.pki.certs import Pair

        pem, usages = b64decode(found.spec.request), found.spec.usages or []
        changed = codec.clone(found)
        try:
            problem = refusal(found.spec.signerName, requests.asked(pem), usages)
            if not problem:
                cert = requests.sign(Pair(*self._authority), pem, usages, self._clock.now(), lifetime(found))
                changed.status.certificate = b64encode(cert).decode()
        except requests.AuthorityError as error:
            raise NotYet(str(error)) from error
        except ValueError as error:
            problem = str(error)
        if problem:
            now = format_time(self._clock.now())
            decide(changed, "Failed", "SignerValidationFailure", problem, now)
        await self._client.update_status(changed)


def decide(request: CertificateSigningRequest, verdict: str, reason: str, message: str, now: str) -> None:
    """Add a condition that says what has been decided; the request must be the caller's own."""
    condition = CertificateSigningRequestCondition(
        type=verdict, status="True", reason=reason, message=message, lastUpdateTime=now, lastTransitionTime=now
    )
    request.status.conditions = [*(request.status.conditions or ()), condition]


def wants_signature(request: CertificateSigningRequest) -> bool:
    """Whether the request is approved and waits for one of our signers."""
    given = {c.type for c in request.status.conditions or ()}
    decided = "Approved" in given and not given & {"Denied", "Failed"}
    return decided and not request.status.certificate and request.spec.signerName in SIGNERS


def lifetime(request: CertificateSigningRequest) -> timedelta:
    """How long the certificate is good: as was asked, within limits."""
    wished = request.spec.expirationSeconds
    return _LONGEST if wished is None else min(max(timedelta(seconds=wished), _SHORTEST), _LONGEST)


def refusal(signer: str, asked: Asked, usages: list[str]) -> str:
    """Why the signer does not sign this; empty when it does."""
    if signer == CLIENT:
        return _client_usages(usages)
    if signer == KUBELET_CLIENT:
        return _node(asked) or _kubelet_client_names(asked) or _exact(usages, "client auth")
    if signer == KUBELET_SERVING:
        return _node(asked) or _kubelet_serving_names(asked) or _exact(usages, "server auth")
    return ""


def _client_usages(usages: list[str]) -> str:
    for usage in usages:
        if usage != "client auth" and usage not in _OPTIONAL:
            return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


def _exact(usages: list[str], purpose: str) -> str:
    given = set(usages)
    if given in ({"digital signature", purpose}, {*_OPTIONAL, purpose}):
        return ""
    return f"usages did not match [{purpose} digital signature key encipherment]"


def _node(asked: Asked) -> str:
    if asked.organizations != (NODES,):
        return f"subject organization is not {NODES}"
    if not asked.common_name.startswith(NODE_PREFIX):
        return f"subject common name does not begin with {NODE_PREFIX}"
    return ""


def _kubelet_client_names(asked: Asked) -> str:
    counts = (("DNS", asked.dns_names), ("Email", asked.emails), ("IP", asked.addresses), ("URI", asked.uris))
    return next((f"{name} subjectAltNames are not allowed" for name, count in counts if count), "")


def _kubelet_serving_names(asked: Asked) -> str:
    if not asked.dns_names and not asked.addresses:
        return "DNS or IP subjectAltName is required"
    counts = (("Email", asked.emails), ("URI", asked.uris))
    return next((f"{name} subjectAltNames are not allowed" for name, count in counts if count), "")


CONTROLLER = Controller(
    name="csrsigning",
    reconciler=SigningRequests,
    watches=(own(CertificateSigningRequest),),
    component="certificatesigningrequest-signing-controller",
    account="certificate-controller",
)
