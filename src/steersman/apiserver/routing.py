"""From a request whose user is known to whoever answers it: may they, what does the path lead to, and is that its verb?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import values
from steersman.api.errors import MethodNotAllowed, NotFound, RequestEntityTooLarge
from steersman.api.http import Response
from steersman.api.meta import Resource
from steersman.apiserver import authz, compression
from steersman.apiserver.context import Context
from steersman.apiserver.handlers import create, delete, deletecollection, get, patch, update, watch
from steersman.apiserver.handlers import list as listing
from steersman.apiserver.requestinfo import RequestInfo
from steersman.apiserver.virtual import VIRTUAL
from steersman.kinds.kind import Served

if TYPE_CHECKING:
    from steersman.apiserver.server import App

VERBS = {
    "get": get.handle,
    "list": listing.handle,
    "watch": watch.handle,
    "create": create.handle,
    "update": update.handle,
    "patch": patch.handle,
    "delete": delete.handle,
    "deletecollection": deletecollection.handle,
}


async def serve(app: App, ctx: Context) -> Response:
    """Let whoever is asked for answer, if the user may. Raises StatusError."""
    info, warnings = ctx.info, ctx.warnings
    since = app.clock.monotonic()
    decision = app.authorizer.admit(info, ctx.user, ctx.query)
    if not isinstance(decision, authz.Decision):
        decision = await decision()
    app.authorization.counts.decided(decision, app.clock.monotonic() - since)
    ctx.decision = decision
    if ctx.trail is not None:
        ctx.trail.decided(decision)
    if not decision.allowed:
        raise authz.refusal(authz.attributes_of(info, ctx.user, ctx.query), decision)
    if app.aggregator.remotes and (remote := app.aggregator.find(info)) is not None:
        return await app.aggregator.forward(remote, ctx)
    if not info.is_resource:
        return await _path(app, ctx)
    body = ctx.request.body
    if len(body) > values.FEW and values.too_many(body):
        raise RequestEntityTooLarge(f"the object has too many values: limit is {values.MOST}")
    endpoint = app.endpoint(info.group, info.version, info.resource)
    if endpoint is None:
        return await _virtual(app, ctx)
    _check_scope(endpoint.served.resource, info)
    ctx.endpoint = endpoint
    if endpoint.warnings:
        warnings.extend(endpoint.warnings)
        _note_deprecation(ctx, endpoint.served)
    if info.subresource:
        return await app.subresources.handle(app, ctx, endpoint)
    if info.verb not in endpoint.kind.verbs or info.verb not in VERBS or (info.name and info.verb == "create"):
        raise MethodNotAllowed()
    if info.legacy_watch and info.verb != "watch":
        # Who keeps writes from a path by its beginning must not be deceived.
        raise MethodNotAllowed()
    return await VERBS[info.verb](app, ctx, endpoint)


async def _virtual(app: App, ctx: Context) -> Response:
    """Resources that are only a question and its answer."""
    info = ctx.info
    served = app.catalog.find(info.group, info.version, info.resource)
    handler = VIRTUAL.get((info.group, info.resource))
    if served is None or not app.config.runtime.serves(served) or handler is None:
        raise NotFound.path()
    if info.subresource or (info.name and "get" not in served.kind.verbs):
        raise NotFound.path()
    if info.namespace:
        _check_scope(served.resource, info)
    if info.verb not in served.kind.verbs:
        raise MethodNotAllowed()
    # Nobody is answered who could not read it.
    ctx.accept()
    if served.deprecation:
        ctx.warnings.append(served.deprecation)
        _note_deprecation(ctx, served)
    return await handler(app, ctx, served)


async def _path(app: App, ctx: Context) -> Response:
    """Paths outside the resources: discovery, health, metrics, the API's description."""
    path = ctx.info.path
    if app.encryption is not None and (response := await app.encryption.answer(ctx)) is not None:
        return response
    if ctx.request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed()
    if path.startswith("/openapi/") and app.openapi is not None:
        described = app.aggregator.describing(path)
        if described is not None:
            return await app.aggregator.forward(described, ctx)
        headers = ctx.request.headers
        gzip = compression.takes_gzip(headers)
        return await app.openapi.get(path, headers.get("accept", ""), headers.get("if-none-match", ""), gzip=gzip)
    response = app.health.get(ctx) or app.flow_control.debug(ctx) or app.discovery.get(ctx)
    if response is None:
        raise NotFound.path()
    return response


def _note_deprecation(ctx: Context, served: Served) -> None:
    """For the audit: that the version is one of old."""
    retired = served.version.retired if served.version is not None else None
    if retired is not None:
        ctx.note("k8s.io/deprecated", "true")
        ctx.note("k8s.io/removed-release", retired.removed)


def _check_scope(resource: Resource, info: RequestInfo) -> None:
    """A namespaced object has no path without a namespace, and the other way round: the rights in one namespace, by which the
    request has been allowed, say nothing about what belongs to none, or about another namespace."""
    if resource.namespaced:
        if not info.namespace and (info.name or info.verb == "create"):
            raise NotFound.path()
    elif info.namespace:
        if info.resource != "namespaces" or info.name != info.namespace:
            raise NotFound.path()
        # For authorization a namespace lies in itself; its object does not.
        info.namespace = ""
