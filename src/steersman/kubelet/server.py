"""The kubelet's own API, a handler without a socket: pods, logs, exec, attach, port-forward, stats and health."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import BadRequest, InternalError, NotFound, StatusError
from steersman.api.http import Request, Response
from steersman.client.waiting import wait_event
from steersman.kinds.types.core_v1 import Pod, PodList
from steersman.kubelet.access import Access
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.logs import read_logs
from steersman.kubelet.pod_state import PodState
from steersman.kubelet.pod_worker import PodWorker
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import ContainerState, ContainerStatus, RuntimeCallError
from steersman.kubelet.server_paths import Target, flag, log_options, parse_query, parse_target
from steersman.kubelet.stats import summary
from steersman.kubelet.streaming.remote_command import StreamOptions
from steersman.kubelet.streaming.server import serve_stream

_JSON = {"Content-Type": "application/json"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
# How long a request waits for a kubelet that is starting.
PODS_KNOWN_SECONDS = 10.0

_log = logging.getLogger(__name__)


class KubeletServer:
    """Contract: `handle` answers every request, with a Status for what goes wrong."""

    def __init__(self, kubelet: Kubelet, runtime: Runtime, clock: Clock, access: Access) -> None:
        self._access = access
        self._kubelet = kubelet
        self._runtime = runtime
        self._clock = clock

    async def handle(self, request: Request) -> Response:
        try:
            return await self._route(request)
        except StatusError as error:
            return Response(error.code, {**_JSON, **error.headers}, msgspec.json.encode(error.status()))
        except RuntimeCallError as error:
            failed = InternalError.occurred(f"error executing command in container: {error.message}")
            return Response(failed.code, _JSON, msgspec.json.encode(failed.status()))

    async def _route(self, request: Request) -> Response:
        await self._access.check(request)
        match request.path.rstrip("/"):
            case "/healthz" | "/livez" | "/readyz":
                return Response(200, _TEXT, b"ok")
            case "/pods" | "/runningpods":
                pods = [_stated(w, self._kubelet) for w in self._kubelet.workers()]
                return Response(200, _JSON, msgspec.json.encode(PodList(items=pods)))
            case "/stats/summary":
                return Response(200, _JSON, msgspec.json.encode(await summary(self._kubelet, self._runtime)))
        target = parse_target(request.path)
        if target is None:
            raise NotFound("404 page not found")
        worker = await self._worker(target)
        state = await self._kubelet.context.pleg.refresh(worker.uid)
        if target.verb == "containerLogs":
            return await self._logs(request, target, worker, state)
        return await self._stream(request, target, state)

    async def _worker(self, target: Target) -> PodWorker:
        # A kubelet that has just been started does not know its pods yet.
        await wait_event(self._clock, self._kubelet.pods_known, PODS_KNOWN_SECONDS)
        worker = self._kubelet.find(target.namespace, target.pod)
        if worker is None or (target.uid and worker.uid != target.uid):
            raise NotFound(f'pod "{target.pod}" not found in namespace "{target.namespace}" on this node')
        return worker

    async def _logs(self, request: Request, target: Target, worker: PodWorker, state: PodState) -> Response:
        if self._runtime.simulated:
            raise BadRequest("simulated node has no container processes, so there are no logs")
        options, previous = log_options(parse_query(request.query), self._clock.now())
        container = _container_for_logs(target, worker.pod, state, previous)

        async def running() -> bool:
            try:
                return (await self._runtime.container_status(container.id)).state is ContainerState.RUNNING
            except RuntimeCallError as error:
                return error.unavailable

        async def body() -> AsyncIterator[bytes]:
            async for chunk in read_logs(container.log_path, options, self._clock, running):
                yield chunk

        return Response(200, _TEXT, body())

    async def _stream(self, request: Request, target: Target, state: PodState) -> Response:
        """Exec, attach and port-forward: the runtime gives a URL, and the connection is joined to it."""
        if self._runtime.simulated:
            raise BadRequest("simulated node has no container processes")
        if request.hijack is None:
            raise BadRequest("Upgrade request required")
        query = parse_query(request.query)
        options = StreamOptions(
            stdin=flag(query, "input") or flag(query, "stdin"),
            stdout=flag(query, "output") or flag(query, "stdout"),
            stderr=flag(query, "error") or flag(query, "stderr"),
            tty=flag(query, "tty"),
        )
        url = await self._streaming_url(target, state, query.get("command", []), options)
        taken = await request.hijack()
        path = f"{request.path}?{request.query}"
        await serve_stream(
            request.method, path, list(request.headers.items()), taken.reader, taken.writer, url, options
        )
        return Response(0)

    async def _streaming_url(self, target: Target, state: PodState, command: list[str], options: StreamOptions) -> str:
        if target.verb == "portForward":
            sandbox = state.ready_sandbox
            if sandbox is None:
                raise NotFound(f'sandbox of pod "{target.pod}" is not running')
            return await self._runtime.port_forward(sandbox.id, ())
        container = state.latest(target.container)
        if container is None or container.state is not ContainerState.RUNNING:
            raise NotFound(f'container not found ("{target.container}")')
        # With a terminal there is one output; the runtime refuses a second.
        stderr = options.stderr and not options.tty
        if target.verb == "attach":
            return await self._runtime.attach(
                container.id, tty=options.tty, stdin=options.stdin, stdout=options.stdout, stderr=stderr
            )
        if not command:
            raise BadRequest("you must specify at least one command for the container")
        return await self._runtime.exec(
            container.id, command, tty=options.tty, stdin=options.stdin, stdout=options.stdout, stderr=stderr
        )


def _stated(worker: PodWorker, kubelet: Kubelet) -> Pod:
    """The pod with the newest status, which the API may not have yet."""
    status = kubelet.context.status.get(worker.uid)
    pod = worker.pod
    return Pod(metadata=pod.metadata, spec=pod.spec, status=status or pod.status)


def _container_for_logs(target: Target, pod: Pod, state: PodState, previous: bool) -> ContainerStatus:
    """The run of the container whose log is meant, in the words kubectl users know when there is none."""
    names = {c.name for c in [*pod.spec.containers, *(pod.spec.initContainers or [])]}
    names |= {c.name for c in pod.spec.ephemeralContainers or []}
    where = f'container "{target.container}" in pod "{target.pod}"'
    if target.container not in names:
        raise BadRequest(f"container {target.container} is not valid for pod {target.pod}")
    if previous:
        ended = state.previous(target.container)
        latest = state.latest(target.container)
        if ended is None and latest is not None and latest.state is ContainerState.EXITED and latest.attempt > 0:
            ended = latest
        if ended is None or not ended.log_path:
            raise BadRequest(f"previous terminated {where} not found")
        return ended
    latest = state.latest(target.container)
    if latest is None or not latest.log_path:
        reason = _waiting_reason(pod, target.container)
        raise BadRequest(f"{where} is waiting to start: {reason}")
    return latest


def _waiting_reason(pod: Pod, container: str) -> str:
    for status in [*(pod.status.containerStatuses or []), *(pod.status.initContainerStatuses or [])]:
        if status.name == container and status.state and status.state.waiting:
            return status.state.waiting.message or status.state.waiting.reason
    return "ContainerCreating"
