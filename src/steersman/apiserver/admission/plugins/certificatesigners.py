"""Who may speak for a signer: approve requests to it, answer them, and say which authorities it has; nobody asks to be master."""

from __future__ import annotations

from base64 import b64decode

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.apiserver.authz import MASTERS, Attributes

_GROUP = "certificates.k8s.io"
_REQUESTS, _BUNDLES = "certificatesigningrequests", "clustertrustbundles"
_CLIENT = "kubernetes.io/kube-apiserver-client"


async def validate(review: Review, environment: Environment) -> None:
    if review.resource.plural == _BUNDLES:
        _check_bundle(review, environment)
    elif review.operation == CREATE:
        _check_subject(review)
    elif review.subresource == "approval":
        _check(review, environment, "approve", review.old.spec.signerName, "approve requests")
    elif _answer(review.object) != _answer(review.old):
        _check(review, environment, "sign", review.old.spec.signerName, "sign requests")


def _answer(request: object) -> tuple[object, object]:
    status = request.status  # type: ignore[attr-defined]
    return status.certificate, status.conditions


def _check_bundle(review: Review, environment: Environment) -> None:
    signer = review.object.spec.signerName
    if not signer or (review.old is not None and review.old.spec == review.object.spec):
        return
    _check(review, environment, "attest", signer, "attest for")


def _check(review: Review, environment: Environment, verb: str, signer: str, what: str) -> None:
    """Raise Forbidden unless the user may do that for the signer, or for all signers of its domain."""
    allowed = environment.allowed
    names = (signer, f"{signer.partition('/')[0]}/*")
    if allowed is None or any(
        allowed(Attributes(review.user, verb, group=_GROUP, resource="signers", name=name)) for name in names
    ):
        return
    link = "" if verb == "attest" else " with"
    raise Forbidden.of(review.resource, review.name, f'user not permitted to {what}{link} signerName "{signer}"')


def _check_subject(review: Review) -> None:
    """Raise Forbidden when the request is for a client that would be above all rules."""
    spec = review.object.spec
    if spec.signerName != _CLIENT:
        return
    # The library takes long to load, and most servers are never asked.
    from steersman.pki import requests

    try:
        asked = requests.asked(b64decode(spec.request))
    except ValueError as error:
        raise Forbidden.of(review.resource, review.name, f"failed to parse CSR: {error}") from error
    if MASTERS in asked.organizations:
        text = f"use of {_CLIENT} signer with {MASTERS} group is not allowed"
        raise Forbidden.of(review.resource, review.name, text)


ADMISSION = Admission(
    name="CertificateSigners",
    order=95,
    interests=(
        Interest(frozenset({CREATE}), _REQUESTS, _GROUP),
        Interest(frozenset({UPDATE}), _REQUESTS, _GROUP, "approval"),
        Interest(frozenset({UPDATE}), _REQUESTS, _GROUP, "status"),
        Interest(frozenset({CREATE, UPDATE}), _BUNDLES, _GROUP),
    ),
    validate=validate,
)
