"""`log`: a container's output, streamed from its node's kubelet."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from steersman.api import field
from steersman.api.codec import DecodeError, parse
from steersman.api.errors import BadRequest, InternalError, Invalid, NotFound, StatusError, from_status
from steersman.api.field import FieldError, Path
from steersman.api.http import Response
from steersman.api.meta import Resource, parse_time
from steersman.apiserver import params, podlocation, websockets
from steersman.apiserver.backend import Answer, read_limited
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.requestinfo import Query
from steersman.apiserver.subresources.framework import Subresource

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_FLAGS = ("follow", "previous", "timestamps")
_VALUES = ("tailLines", "limitBytes", "sinceSeconds", "sinceTime", "stream")
_OPTIONS = Resource("", "v1", "", "PodLogOptions", True)
_HEADERS = {"Content-Type": "text/plain", "Cache-Control": "no-cache, private"}


async def _log(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    query = ctx.query
    _check(query)
    info = ctx.info
    pod = podlocation.pod(app, info.namespace, info.name)
    container = podlocation.container_of(pod, query.get("container"))
    if not pod.spec.nodeName:
        # Nothing has run yet, so nothing was written.
        return Response(200, _HEADERS, b"")
    target = podlocation.kubelet(app, pod.spec.nodeName)
    wanted = [(n, "true") for n in _FLAGS if query.flag(n)]
    wanted += [(n, query.get(n)) for n in _VALUES if query.get(n)]
    path = f"/containerLogs/{info.namespace}/{info.name}/{container}"
    answer = await app.backends.send(target, "GET", path, urlencode(wanted), asked=ctx.request)
    if not 200 <= answer.status <= 206:
        raise await refusal(answer)
    response = Response(200, _HEADERS, answer.body)
    return await websockets.log(ctx.request, response) if websockets.asked(ctx.request) else response


def _check(query: Query) -> None:
    errors: list[FieldError] = []
    if query.has("sinceSeconds") and query.has("sinceTime"):
        errors.append(field.forbidden(Path(), "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    for name, least in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
        value = params.integer(query, name)
        if value is not None and value < least:
            why = field.NOT_NEGATIVE if least == 0 else "must be greater than 0"
            errors.append(field.invalid(Path(name), value, why))
    if query.get("sinceTime"):
        try:
            parse_time(query.get("sinceTime"))
        except ValueError as error:
            raise BadRequest(f"invalid sinceTime: {error}") from error
    if errors:
        raise Invalid.of(_OPTIONS, "", errors)


async def refusal(answer: Answer) -> StatusError:
    """What a kubelet answered instead of what was asked for, as an error of ours."""
    data = await read_limited(answer.body)
    text = data.decode(errors="replace").strip()
    if text.startswith("{"):
        try:
            status = parse(data)
        except DecodeError:
            status = {}
        if status.get("kind") == "Status":
            return from_status(status)
    if answer.status == 400:
        return BadRequest(text)
    if answer.status == 404:
        return NotFound(text or "the server could not find the requested resource")
    if answer.status == 500:
        return InternalError.occurred(text)
    return StatusError(text or "unknown", code=answer.status, reason="")


SUBRESOURCES = (Subresource("log", {"get": _log}, "pods"),)
