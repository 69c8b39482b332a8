"""`proxy`: HTTP through the API server to a pod, a service's endpoint, or a node's kubelet."""

from __future__ import annotations

import random
import re
import ssl
from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest, ServiceUnavailable
from steersman.api.http import Response
from steersman.apiserver import podlocation
from steersman.apiserver.admission import parts
from steersman.apiserver.backend import Target, forwarded_headers
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.rewriting import View, rewritten
from steersman.apiserver.subresources.framework import Subresource
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_SCHEMES = ("http", "https")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII).fullmatch
_MAX_PORT = 65535


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
        target = _pod(app, ctx.info.namespace, name, port)
    elif plural == "services":
        target = _service(app, ctx.info.namespace, name, port)
    else:
        target = podlocation.kubelet(app, name)
    if scheme == "https" and target.tls is None:
        target = Target(target.host, target.port, _unverified())
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
    answer = await app.backends.send(target, request.method, path, request.query, forwarded_headers(request), body)
    view = View(target.authority, request.headers.get("host", ""), ctx.info.path.removesuffix(path))
    found, content = await rewritten(answer.headers, answer.body, view)
    return Response(answer.status, found, content)


def _pod(app: App, namespace: str, name: str, port: str) -> Target:
    pod = podlocation.pod(app, namespace, name)
    number = int(port) if _NUMBER(port) else 0
    if not number:
        ports = [p for c in pod.spec.containers for p in c.ports or () if not port or p.name == port]
        if port and not ports:
            raise BadRequest(f'no port "{port}" in pod "{name}"')
        number = ports[0].containerPort if ports else 80
    if number > _MAX_PORT:
        raise BadRequest(f'invalid port "{port}"')
    if not pod.status.podIP:
        raise BadRequest("address not allowed")
    return Target(pod.status.podIP, number)


def _service(app: App, namespace: str, name: str, port: str) -> Target:
    """One ready endpoint of the service's port, at random."""
    service: Service = app.registries.of(Service).get(namespace, name)
    ports = service.spec.ports or []
    wanted = next((p for p in ports if port in (p.name, str(p.port)) or (not port and len(ports) == 1)), None)
    if wanted is None:
        raise ServiceUnavailable(f'no service port "{port}" found for service "{name}"')
    candidates = []
    for piece in app.registries.list(EndpointSlice, namespace):
        if (piece.metadata.labels or {}).get("kubernetes.io/service-name") != name:
            continue
        numbers = [p.port for p in piece.ports or () if (p.name or "") == wanted.name and p.port]
        for one in piece.endpoints or ():
            if one.conditions is None or one.conditions.ready is not False:
                candidates += [(a, n) for a in one.addresses for n in numbers]
    if not candidates:
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')
    host, number = random.choice(candidates)
    return Target(host, number)


def _unverified() -> ssl.SSLContext:
    """Pods have certificates of their own making: encrypted, not verified, as upstream."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# OPTIONS is no verb of the API, but may be one of what is behind the proxy.
SUBRESOURCES = (Subresource("proxy", dict.fromkeys(("get", "create", "update", "patch", "delete", ""), _proxy)),)
