"""`proxy`: HTTP through the API server to a pod, a service's endpoint, or a node's kubelet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest
from steersman.api.http import Response
from steersman.apiserver import proxylocation
from steersman.apiserver.admission import parts
from steersman.apiserver.backend import forwarded_headers
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.rewriting import View, rewritten
from steersman.apiserver.subresources.framework import Subresource

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_SCHEMES = ("http", "https")


def split_name(text: str) -> tuple[str, str, str]:
    """(scheme, name, port) of `name`, `name:port` or `scheme:name:port`. Raises BadRequest."""
    parts = text.split(":")
    if len(parts) == 1:
        return "", parts[0], ""
    if len(parts) == 2:
        return "", parts[0], parts[1]
    if len(parts) == 3 and parts[0] in (*_SCHEMES, ""):
        return parts[0], parts[1], parts[2]
    raise BadRequest(f'invalid request "{text}"')


async def _proxy(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    await parts.connect(app, ctx, endpoint)
    scheme, name, port = split_name(ctx.info.name)
    plural = endpoint.kind.resource.plural
    if plural == "pods":
        target = proxylocation.pod(app, ctx.info.namespace, name, port)
    elif plural == "services":
        target = proxylocation.service(app, ctx.info.namespace, name, port)
    else:
        target = await proxylocation.node(app, name, port)
    if scheme == "https" and target.tls is None:
        target = proxylocation.encrypted(target)
    request = ctx.request
    path = "/" + ctx.info.rest
    if ctx.info.path.endswith("/") and not path.endswith("/"):
        path += "/"
    if request.hijack is not None:
        return await app.backends.upgrade(target, request, path, request.query)
    if not ctx.info.rest and not ctx.info.path.endswith("/") and request.method in ("GET", "HEAD"):
        # What a page refers to is relative to its own path, which must therefore end as the backend's root does.
        return Response(301, {"Location": ctx.info.path + "/" + (f"?{request.query}" if request.query else "")})
    body = request.body_stream or request.body
    sent = forwarded_headers(request)
    answer = await app.backends.send(target, request.method, path, request.query, sent, body, request)
    view = View(target.authority, request.headers.get("host", ""), ctx.info.path.removesuffix(path))
    found, content = await rewritten(answer.headers, answer.body, view, request.keep, app.backends.pages)
    return Response(answer.status, found, content)


# OPTIONS is no verb of the API, but may be one of what is behind the proxy.
SUBRESOURCES = (Subresource("proxy", dict.fromkeys(("get", "create", "update", "patch", "delete", ""), _proxy)),)
