"""Runs a handler of a probe or a lifecycle hook: a command in the container, an HTTP request, or a TCP connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin, urlsplit

from steersman.api.protobuf import delimited
from steersman.api.version import RELEASE
from steersman.http import grpcio
from steersman.kinds.types.core_v1 import Container, ExecAction, GRPCAction, HTTPGetAction, TCPSocketAction
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import Code, RuntimeCallError
from steersman.pki import trust

if TYPE_CHECKING:
    import aiohttp

PROBE_AGENT, HOOK_AGENT = f"kube-probe/{RELEASE}", f"kube-lifecycle/{RELEASE}"
# How much of an answer or of a command's output is kept for messages.
_MAX_OUTPUT = 10 * 1024
_MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the handler was content, and what it said."""

    success: bool
    output: str


class Action(Protocol):
    """The part that probe and lifecycle handlers share."""

    exec: ExecAction | None
    httpGet: HTTPGetAction | None
    tcpSocket: TCPSocketAction | None


class HandlerError(Exception):
    """The handler could not be run at all (a port that the container does not name)."""


@dataclass(frozen=True, slots=True)
class Target:
    """The container a handler is for."""

    container: Container
    container_id: str
    pod_ip: str


async def run_handler(
    action: Action, target: Target, runtime: Runtime, timeout: float, user_agent: str = PROBE_AGENT
) -> Outcome:
    """Run whichever handler is set; failures of it are outcomes. Raises HandlerError when it makes no sense or cannot be
    run at all."""
    if action.exec:
        return await _exec(action.exec.command or [], target, runtime, timeout)
    if action.httpGet:
        return await _http(action.httpGet, target, timeout, user_agent)
    if action.tcpSocket:
        host = action.tcpSocket.host or target.pod_ip
        return await _tcp(host, resolve_port(action.tcpSocket.port, target.container), timeout)
    grpc = getattr(action, "grpc", None)
    if isinstance(grpc, GRPCAction):
        return await _grpc(grpc, target, timeout)
    raise HandlerError("missing probe handler")


def resolve_port(port: int | str, container: Container) -> int:
    """A port by number, by a number in a string, or by the name the container gives it."""
    if isinstance(port, int):
        return port
    for named in container.ports or []:
        if named.name == port:
            return named.containerPort
    if port.isdigit():
        return int(port)
    raise HandlerError(f"couldn't find port: {port!r} in container {container.name}")


async def _exec(command: Sequence[str], target: Target, runtime: Runtime, timeout: float) -> Outcome:
    try:
        result = await runtime.exec_sync(target.container_id, command, timeout)
    except RuntimeCallError as error:
        if error.code is Code.UNAVAILABLE:
            # A runtime that is being restarted says nothing of its containers.
            raise HandlerError(error.message) from error
        return Outcome(False, error.message[:_MAX_OUTPUT])
    output = (result.stdout + result.stderr)[:_MAX_OUTPUT].decode(errors="replace")
    return Outcome(result.exit_code == 0, output)


async def _http(action: HTTPGetAction, target: Target, timeout: float, user_agent: str) -> Outcome:
    """A GET; anything from 200 to 399 is success, and redirects to another host count as success unvisited."""
    # It loads slowly, and most kubelets start long before their first HTTP probe.
    import aiohttp

    port = resolve_port(action.port, target.container)
    host = action.host or target.pod_ip
    scheme = (action.scheme or "HTTP").lower()
    path = action.path or "/"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path if path.startswith('/') else '/' + path}"
    headers = {"User-Agent": user_agent, "Accept": "*/*"}
    for header in action.httpHeaders or []:
        headers[header.name] = header.value
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout)) as session:
            return await _get(session, url, headers)
    except TimeoutError:
        return Outcome(
            False, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Outcome(False, f'Get "{url}": {_network_text(error, host, port)}')


async def _get(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> Outcome:
    """A GET that follows redirects on its host; one that leads elsewhere is success, unvisited."""
    for _ in range(_MAX_REDIRECTS):
        # A pod's own certificate is rarely signed by anybody that the node knows.
        async with session.get(url, headers=headers, ssl=trust.anybody(), allow_redirects=False) as response:
            body = (await response.content.read(_MAX_OUTPUT)).decode(errors="replace")
            if not 200 <= response.status < 400:
                return Outcome(False, f"HTTP probe failed with statuscode: {response.status}")
            target = urljoin(url, response.headers.get("Location", ""))
            if response.status not in _REDIRECTS or urlsplit(target).hostname != urlsplit(url).hostname:
                return Outcome(True, body)
            url = target
    return Outcome(False, f"stopped after {_MAX_REDIRECTS} redirects")


async def _tcp(host: str, port: int, timeout: float) -> Outcome:
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Outcome(False, f"dial tcp {host}:{port}: i/o timeout")
    except OSError as error:
        return Outcome(False, _network_text(error, host, port))
    writer.close()
    return Outcome(True, "")


def _network_text(error: Exception, host: str, port: int) -> str:
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return f"dial tcp {host}:{port}: connect: connection refused"
    return f"dial tcp {host}:{port}: {cause}"


async def _grpc(action: GRPCAction, target: Target, timeout: float) -> Outcome:
    """The gRPC health checking protocol's Check; its two messages are small enough to write by hand."""
    grpc = grpcio.library()
    aio = grpc.aio
    name = (action.service or "").encode()
    request = delimited(1, name) if name else b""
    async with aio.insecure_channel(f"{target.pod_ip}:{action.port}") as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            answer: bytes = await check(request, timeout=timeout)
        except aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return Outcome(
                    False, f'timeout: failed to connect service "{target.pod_ip}:{action.port}" within {timeout}s'
                )
            return Outcome(False, f"error: health rpc failed: {error.details()}")
    # HealthCheckResponse{status: SERVING} is field 1 with the value 1.
    if answer == b"\x08\x01":
        return Outcome(True, "")
    return Outcome(False, "service unhealthy")
