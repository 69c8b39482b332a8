"""Admission of requests to subresources that are more than a write: connections, and requests with objects of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from steersman.api.errors import BadRequest
from steersman.apiserver.admission.framework import CONNECT, CREATE, Review
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.requestinfo import Query

if TYPE_CHECKING:
    from steersman.apiserver.server import App

T = TypeVar("T")

_is_number = re.compile("[0-9]+", re.ASCII).fullmatch
_MOST_DIGITS, _MAX_PORT = 100, 65535
_BOOLEANS = frozenset({"stdin", "stdout", "stderr", "tty"})
_KINDS = {
    "exec": "PodExecOptions",
    "attach": "PodAttachOptions",
    "portforward": "PodPortForwardOptions",
    "pods": "PodProxyOptions",
    "services": "ServiceProxyOptions",
    "nodes": "NodeProxyOptions",
}


async def connect(app: App, ctx: Context, endpoint: Endpoint) -> Query:
    """Admit a connection; the query with the options as admission leaves them. Raises what refuses it."""
    options = _options(ctx, endpoint)
    review = _review(ctx, endpoint, CONNECT, options)
    await app.chain.mutate(review)
    await app.chain.validate(review)
    return ctx.query if review.object == options else Query(_query(review.object))


async def request(
    app: App,
    ctx: Context,
    endpoint: Endpoint,
    obj: T,
    options: Any,
    *,
    dry_run: bool = False,
    prepare: Callable[[T], None] | None = None,
) -> T:
    """Have policies and webhooks admit the object that is posted to a subresource; as they leave it. Raises what refuses it.

    Most of the server's own plugins look at what comes of it instead. `prepare` fills in, and checks, what those see that
    change nothing any more.
    """
    review = _review(ctx, endpoint, CREATE, obj)
    review.options, review.dry_run = options, dry_run
    await app.chain.admit_part(review)
    for reviewer in (app.policies, app.webhooks):
        await reviewer.mutate(review)
    if prepare is not None:
        prepare(review.object)
    for reviewer in (app.policies, app.webhooks):
        await reviewer.validate(review)
    admitted: T = review.object
    return admitted


def _review(ctx: Context, endpoint: Endpoint, operation: str, obj: Any) -> Review:
    info = ctx.info
    return Review(
        operation,
        endpoint.registry.resource,
        info.subresource,
        info.namespace,
        info.name,
        obj,
        None,
        ctx.user,
        warnings=ctx.warnings,
        kind=endpoint.kind,
        served=endpoint.served,
        annotations=ctx.annotations,
    )


def _options(ctx: Context, endpoint: Endpoint) -> dict[str, Any]:
    """The options of a connection as an object."""
    part, query = ctx.info.subresource, ctx.query
    kind = _KINDS[endpoint.kind.resource.plural if part == "proxy" else part]
    out: dict[str, Any] = {"kind": kind, "apiVersion": "v1"}
    if part == "proxy":
        return {**out, "path": "/" + ctx.info.rest} if ctx.info.rest else out
    if part == "portforward":
        ports = [_port(p) for value in query.all("ports") for p in value.split(",")]
        return {**out, "ports": ports} if ports else out
    out.update({name: True for name in sorted(_BOOLEANS) if query.flag(name)})
    if container := query.get("container"):
        out["container"] = container
    if command := query.all("command"):
        out["command"] = command
    return out


def _port(text: str) -> int:
    if not _is_number(text):
        raise BadRequest(f'cannot convert to []int32: strconv.ParseUint: parsing "{text}": invalid syntax')
    # Of so many digits no port is made, nor any number in Python.
    number = int(text) if len(text) <= _MOST_DIGITS else _MAX_PORT + 1
    if number > _MAX_PORT:
        raise BadRequest(f'cannot convert to []int32: strconv.ParseUint: parsing "{text}": value out of range')
    return number


def _query(options: dict[str, Any]) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in options.items():
        if name in ("kind", "apiVersion"):
            continue
        values = value if isinstance(value, list) else [value]
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in values]
    return urlencode(pairs)
