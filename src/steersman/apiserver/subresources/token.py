"""`serviceaccounts/token`: signs a token that dies with the object it is bound to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from steersman.api import field
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, Conflict, InternalError, Invalid, NotFound
from steersman.api.field import Path
from steersman.api.http import Response
from steersman.api.meta import Resource, format_time, new_uid
from steersman.apiserver import encoding, respond
from steersman.apiserver.admission import parts
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.params import WriteOptions
from steersman.apiserver.subresources.framework import Subresource
from steersman.kinds.types.authentication_v1 import BoundObjectReference, TokenRequest, TokenRequestStatus
from steersman.kinds.types.core_v1 import Node, Pod, Secret, ServiceAccount
from steersman.pki import tokens
from steersman.pki.tokens import BoundObject

if TYPE_CHECKING:
    from steersman.apiserver.authn import ServiceAccountTokens
    from steersman.apiserver.server import App

_KIND = TokenRequest.__resource__
_SHORTEST, _DEFAULT, _LONGEST = 600, 3600, 2**32
# What a client asks for that means an hour: it gets a year, and is reminded after the hour.
_HOUR = 3607


async def _create(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    settings = app.service_accounts
    if settings is None:
        raise NotFound.path()
    accepted, info = ctx.accept(), ctx.info
    request = _decode(ctx)
    _check_place(request, info.namespace, info.name)
    account: ServiceAccount = endpoint.registry.get(info.namespace, info.name)
    options = WriteOptions.parse(ctx.query, "CreateOptions")

    def prepare(asked: TokenRequest) -> None:
        _prepare(asked, account, settings.audiences, format_time(app.clock.now()))
        _check(asked)

    request = await parts.request(app, ctx, endpoint, request, options, dry_run=options.dry_run, prepare=prepare)
    _check(request)
    bound = _bound(app, info.namespace, info.name, request.spec.boundObjectRef)
    seconds = request.spec.expirationSeconds or _DEFAULT
    if settings.max_expiration and seconds > settings.max_expiration:
        ctx.warnings.append(f"requested expiration of {seconds} seconds shortened to {settings.max_expiration} seconds")
        seconds = request.spec.expirationSeconds = settings.max_expiration
    now, audiences = app.clock.time(), request.spec.audiences or []
    for_us = all(audience in settings.audiences for audience in audiences)
    extended = settings.extend_expiration and seconds == _HOUR and for_us and "pod" in bound
    claims = tokens.service_account_claims(
        info.namespace,
        BoundObject(account.metadata.name, account.metadata.uid),
        audiences,
        now,
        now + (settings.max_extended if extended else seconds),
        jti=new_uid(),
        warn_after=now + _HOUR if extended else None,
        issuer=settings.issuer,
        **bound,
    )
    ctx.note("authentication.kubernetes.io/issued-credential-id", f"JTI={claims['jti']}")
    request.status = TokenRequestStatus(
        token=await _signed(settings, claims),
        expirationTimestamp=format_time(datetime.fromtimestamp(now + seconds, UTC)),
    )
    return respond.value(201, request, accepted, ctx.warnings)


async def _signed(settings: ServiceAccountTokens, claims: Mapping[str, Any]) -> str:
    if settings.external is None:
        return await settings.signed(claims)
    from steersman.apiserver.authn.externalsigner import SignerError

    try:
        return await settings.signed(claims)
    except SignerError as error:
        raise InternalError.occurred(f"failed to generate token: {error}") from error


def _decode(ctx: Context) -> TokenRequest:
    try:
        request, problems = ctx.decode(TokenRequest)
    except DecodeError as error:
        raise encoding.undecoded(ctx, TokenRequest.__resource__, error) from error
    encoding.check_kind(request, TokenRequest.__resource__)
    ctx.warnings.extend(problems)
    return request


def _check_place(request: TokenRequest, namespace: str, name: str) -> None:
    """A request that says where it belongs says the same as its path."""
    meta, path = request.metadata, Path("metadata")
    errors = []
    if meta.name and meta.name != name:
        why = "must match the service account name if specified"
        errors.append(field.invalid(path.child("name"), meta.name, why))
    elif meta.namespace and meta.namespace != namespace:
        why = "must match the service account namespace if specified"
        errors.append(field.invalid(path.child("namespace"), meta.namespace, why))
    if errors:
        raise Invalid.of(_KIND, name, errors)


def _prepare(request: TokenRequest, account: ServiceAccount, audiences: Sequence[str], now: str) -> None:
    """Fill in what is not said. Raises Conflict for a request that means another account of the same name."""
    meta, of = request.metadata, account.metadata
    if meta.uid and meta.uid != of.uid:
        why = f"the UID in the token request ({meta.uid}) does not match the UID of the service account ({of.uid})"
        raise Conflict.of(Resource(_KIND.group, _KIND.version, _KIND.kind, _KIND.kind, True), of.name, why)
    request.metadata.name, meta.namespace, meta.uid, meta.creationTimestamp = of.name, of.namespace, of.uid, now
    request.status = TokenRequestStatus()
    request.spec.audiences = request.spec.audiences or list(audiences)
    if request.spec.expirationSeconds is None:
        request.spec.expirationSeconds = _DEFAULT


def _check(request: TokenRequest) -> None:
    seconds, path = request.spec.expirationSeconds or 0, Path("spec", "expirationSeconds")
    if seconds < _SHORTEST:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST:
        why = "may not specify a duration larger than 2^32 seconds"
    else:
        return
    raise Invalid.of(_KIND, "", [field.invalid(path, seconds, why)])


def _bound(app: App, namespace: str, account: str, reference: BoundObjectReference | None) -> dict[str, BoundObject]:
    """The object that the token dies with, as `service_account_claims` takes it, and a pod's node."""
    if reference is None:
        return {}
    kinds: dict[str, type[Pod] | type[Secret] | type[Node]] = {"Pod": Pod, "Secret": Secret, "Node": Node}
    group, _, version = reference.apiVersion.rpartition("/")
    cls = kinds.get(reference.kind)
    if cls is None or group:
        raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={reference.kind}")
    found = app.registries.get(cls, "" if cls is Node else namespace, reference.name)
    if found is None:
        raise NotFound.of(cls.__resource__, reference.name)
    if isinstance(found, Pod) and found.spec.serviceAccountName != account:
        raise BadRequest(
            f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
        )
    if reference.uid and reference.uid != found.metadata.uid:
        raise Conflict.of(
            Resource("", version, reference.kind, reference.kind, True),
            reference.name,
            f"the UID in the bound object reference ({reference.uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
        )
    bound = {reference.kind.lower(): BoundObject(found.metadata.name, found.metadata.uid)}
    if isinstance(found, Pod) and found.spec.nodeName:
        node = app.registries.get(Node, "", found.spec.nodeName)
        # Of a node that is not there the name is told all the same.
        bound["node"] = BoundObject(found.spec.nodeName, "" if node is None else node.metadata.uid)
    return bound


SUBRESOURCES = (Subresource("token", {"create": _create}, "serviceaccounts"),)
