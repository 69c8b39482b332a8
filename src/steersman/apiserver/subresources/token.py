"""`serviceaccounts/token`: signs a token that dies with the object it is bound to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, Conflict, Invalid, NotFound
from steersman.api.field import Path
from steersman.api.http import Response
from steersman.api.meta import format_time, new_uid
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
    from steersman.apiserver.server import App

_SHORTEST, _DEFAULT, _LONGEST = 600, 3600, 2**32
# What a client asks for that means an hour: it gets a year, and is reminded after the hour.
_HOUR, _EXTENDED = 3607, 365 * 24 * 3600


async def _create(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    settings = app.service_accounts
    if settings is None:
        raise NotFound.path()
    accepted, info = ctx.accept(), ctx.info
    account: ServiceAccount = endpoint.registry.get(info.namespace, info.name)
    request = _decode(ctx)
    options = WriteOptions.parse(ctx.query, "CreateOptions")
    request = await parts.request(app, ctx, endpoint, request, options, dry_run=options.dry_run)
    spec = request.spec
    bound = _bound(app, info.namespace, info.name, spec.boundObjectRef)
    seconds = spec.expirationSeconds or _DEFAULT
    audiences = spec.audiences or list(settings.audiences)
    now = app.clock.time()
    extended = seconds == _HOUR and audiences == list(settings.audiences) and "pod" in bound
    claims = tokens.service_account_claims(
        info.namespace,
        BoundObject(account.metadata.name, account.metadata.uid),
        audiences,
        now,
        now + (_EXTENDED if extended else seconds),
        jti=new_uid(),
        warn_after=now + _HOUR if extended else None,
        issuer=settings.issuer,
        **bound,
    )
    ctx.note("authentication.kubernetes.io/issued-credential-id", f"JTI={claims['jti']}")
    expires = now + seconds
    request.status = TokenRequestStatus(
        token=tokens.sign(claims, settings.signing_key),
        expirationTimestamp=format_time(datetime.fromtimestamp(expires, UTC)),
    )
    request.spec.audiences, request.spec.expirationSeconds = audiences, seconds
    request.metadata.name, request.metadata.namespace = info.name, info.namespace
    request.metadata.creationTimestamp = format_time(app.clock.now())
    return respond.value(201, request, accepted, ctx.warnings)


def _decode(ctx: Context) -> TokenRequest:
    try:
        request, problems = ctx.decode(TokenRequest)
    except DecodeError as error:
        raise encoding.undecoded(ctx, TokenRequest.__resource__, error) from error
    ctx.warnings.extend(problems)
    seconds, path = request.spec.expirationSeconds, Path("spec", "expirationSeconds")
    errors = []
    if seconds is not None and seconds < _SHORTEST:
        errors.append(field.invalid(path, seconds, "may not specify a duration less than 10 minutes"))
    if seconds is not None and seconds > _LONGEST:
        errors.append(field.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
    if errors:
        raise Invalid.of(TokenRequest.__resource__, ctx.info.name, errors)
    return request


def _bound(app: App, namespace: str, account: str, reference: BoundObjectReference | None) -> dict[str, BoundObject]:
    """The object that the token dies with, as `service_account_claims` takes it, and a pod's node."""
    if reference is None:
        return {}
    kinds: dict[tuple[str, str], type[Pod] | type[Secret] | type[Node]] = {
        ("v1", "Pod"): Pod,
        ("v1", "Secret"): Secret,
        ("v1", "Node"): Node,
    }
    cls = kinds.get((reference.apiVersion, reference.kind))
    if cls is None:
        raise BadRequest(f"cannot bind token for serviceaccount to object of kind {reference.kind}")
    where = "" if cls is Node else namespace
    found = app.registries.get(cls, where, reference.name)
    if found is None:
        raise NotFound.of(cls.__resource__, reference.name)
    if reference.uid and reference.uid != found.metadata.uid:
        raise Conflict.of(
            cls.__resource__,
            reference.name,
            f"the UID in the bound object reference ({reference.uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
        )
    bound = {reference.kind.lower(): BoundObject(found.metadata.name, found.metadata.uid)}
    if isinstance(found, Pod):
        if found.spec.serviceAccountName != account:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        node = app.registries.get(Node, "", found.spec.nodeName) if found.spec.nodeName else None
        if node is not None:
            bound["node"] = BoundObject(node.metadata.name, node.metadata.uid)
    return bound


SUBRESOURCES = (Subresource("token", {"create": _create}, "serviceaccounts"),)
