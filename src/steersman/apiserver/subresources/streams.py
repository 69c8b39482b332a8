"""`exec`, `attach` and `portforward`: upgraded connections that are joined to the pod's kubelet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from steersman.api.errors import BadRequest
from steersman.api.http import Response
from steersman.apiserver import authz, podlocation
from steersman.apiserver.admission import parts
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.requestinfo import Query
from steersman.apiserver.subresources.framework import Handler, Subresource

if TYPE_CHECKING:
    from steersman.apiserver.server import App

# A kubelet has its own, older names for the streams.
_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))


def _stream_query(query: Query, *, command: bool) -> list[tuple[str, str]]:
    wanted = [(theirs, "1") for ours, theirs in _STREAMS if query.flag(ours)]
    if not any(name in ("input", "output", "error") for name, _ in wanted):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if command:
        commands = query.all("command")
        if not commands:
            raise BadRequest("you must specify at least one command for the container")
        wanted += [("command", c) for c in commands]
    return wanted


def _remote(verb: str) -> Handler:
    async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
        info = ctx.info
        await _check_right(app, ctx)
        query = await parts.connect(app, ctx, endpoint)
        pod = podlocation.pod(app, info.namespace, info.name)
        container = podlocation.container_of(pod, query.get("container"))
        wanted = _stream_query(query, command=verb == "exec")
        target = podlocation.kubelet(app, podlocation.node_of(pod))
        _require_upgrade(ctx)
        path = f"/{verb}/{info.namespace}/{info.name}/{container}"
        return await app.backends.upgrade(target, ctx.request, path, urlencode(wanted))

    return handle


async def _port_forward(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    info = ctx.info
    await _check_right(app, ctx)
    query = await parts.connect(app, ctx, endpoint)
    pod = podlocation.pod(app, info.namespace, info.name)
    target = podlocation.kubelet(app, podlocation.node_of(pod))
    _require_upgrade(ctx)
    ports = [("port", p) for value in query.all("ports") for p in value.split(",")]
    path = f"/portForward/{info.namespace}/{info.name}"
    return await app.backends.upgrade(target, ctx.request, path, urlencode(ports))


async def _check_right(app: App, ctx: Context) -> None:
    """A WebSocket begins with a GET, but who may only look must not run anything: it takes the right to create, too."""
    if ctx.info.verb != "create":
        asked = authz.attributes_of(ctx.info, ctx.user)
        await app.authorizer.check(replace(asked, verb="create"))


def _require_upgrade(ctx: Context) -> None:
    if ctx.request.hijack is None:
        raise BadRequest("Upgrade request required")


def _both(handler: Handler) -> dict[str, Handler]:
    return {"get": handler, "create": handler}


SUBRESOURCES = (
    Subresource("exec", _both(_remote("exec")), "pods"),
    Subresource("attach", _both(_remote("attach")), "pods"),
    Subresource("portforward", _both(_port_forward), "pods"),
)
