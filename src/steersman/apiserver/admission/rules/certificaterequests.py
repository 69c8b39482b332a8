"""Who asks for a certificate, and when it was decided: what only the server can know of a certificate request."""

from __future__ import annotations

from datetime import timedelta

from steersman.api import field
from steersman.api.errors import Invalid
from steersman.api.field import Errors, Path, quote
from steersman.api.meta import format_time, parse_time
from steersman.apiserver import certificatecounts
from steersman.apiserver.admission import signers
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest, PodCertificateRequest

_GROUP = "certificates.k8s.io"
_REQUESTS, _POD_REQUESTS = "certificatesigningrequests", "podcertificaterequests"
_SKEW = timedelta(minutes=5)


async def mutate(review: Review, environment: Environment) -> None:
    if review.resource.plural != _REQUESTS:
        return
    request: CertificateSigningRequest = review.object
    if review.operation == CREATE:
        _sign(request, review)
    else:
        _date(request, review.old, format_time(environment.clock.now()))


def _sign(request: CertificateSigningRequest, review: Review) -> None:
    """Nobody asks in another's name."""
    user, spec = review.user, request.spec
    spec.username, spec.uid = user.name, user.uid
    spec.groups = list(user.groups) or None
    spec.extra = {key: list(values) for key, values in user.extra.items()} or None


def _date(request: CertificateSigningRequest, old: CertificateSigningRequest, now: str) -> None:
    """Conditions without times get them; one that says what it said before keeps the time since when it does."""
    since = {(c.type, c.status): c.lastTransitionTime for c in old.status.conditions or () if c.lastTransitionTime}
    for condition in request.status.conditions or ():
        condition.lastUpdateTime = condition.lastUpdateTime or now
        known = since.get((condition.type, condition.status))
        condition.lastTransitionTime = condition.lastTransitionTime or known or now


async def validate(review: Review, environment: Environment) -> None:
    """An answer that a pod gets is of its signer, and is valid from now on, and not from some other time."""
    if review.resource.plural != _POD_REQUESTS:
        _count(review)
        return
    new: PodCertificateRequest = review.object
    old: PodCertificateRequest = review.old
    errors = _misdated(new, old, environment)
    if not errors and not field.same(new.status, old.status):
        errors = await _not_the_signers(old.spec.signerName, review, environment)
    if errors:
        raise Invalid.of(review.resource, review.name, errors)


def _count(review: Review) -> None:
    """A certificate that is issued with this write is counted if the write is done."""
    request: CertificateSigningRequest = review.object
    if review.dry_run or review.operation != UPDATE or not certificatecounts.concerns(request, review.old):
        return

    async def settled(stored: bool | None) -> None:
        if stored:
            certificatecounts.issued(request)

    review.settlers.append(settled)


def _misdated(new: PodCertificateRequest, old: PodCertificateRequest, environment: Environment) -> Errors:
    start = new.status.notBefore
    if not start or old.status.notBefore or abs(parse_time(start) - environment.clock.now()) < _SKEW:
        return []
    detail = "must be set to within 5 minutes of kube-apiserver's current time"
    return [field.invalid(Path("status", "notBefore"), start, detail)]


async def _not_the_signers(signer: str, review: Review, environment: Environment) -> Errors:
    if await signers.may(review, environment, "sign", signer):
        return []
    detail = f'User {quote(review.user.name)} is not permitted to "sign" for signer {quote(signer)}'
    return [field.forbidden(Path("spec", "signerName"), detail)]


ADMISSION = Admission(
    name="CertificateRequests",
    order=3_720,
    interests=(
        Interest(frozenset({CREATE}), _REQUESTS, _GROUP),
        Interest(frozenset({UPDATE}), _REQUESTS, _GROUP, "status"),
        Interest(frozenset({UPDATE}), _REQUESTS, _GROUP, "approval"),
        Interest(frozenset({UPDATE}), _POD_REQUESTS, _GROUP, "status"),
    ),
    mutate=mutate,
    validate=validate,
)
