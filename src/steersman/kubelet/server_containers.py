"""The part of the kubelet's own API that reaches into containers: logs, exec, attach, port-forward and run."""

from __future__ import annotations

from collections.abc import AsyncIterator

from steersman.api.clock import Clock
from steersman.api.errors import BadRequest, InternalError, NotFound
from steersman.api.http import Request, Response
from steersman.client.waiting import wait_event
from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.logs import read_logs
from steersman.kubelet.pod_state import PodState
from steersman.kubelet.pod_worker import PodWorker
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import ContainerState, ContainerStatus, RuntimeCallError
from steersman.kubelet.server_paths import Target, flag, log_options, parse_query
from steersman.kubelet.streaming.remote_command import StreamOptions
from steersman.kubelet.streaming.server import serve_stream

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
# How long a request waits for a kubelet that is starting.
PODS_KNOWN_SECONDS = 10.0
# How long a command of `run` may take, in seconds.
RUN_SECONDS = 3600.0


class Containers:
    """Contract: `answer` raises StatusError and RuntimeCallError for what goes wrong."""

    def __init__(self, kubelet: Kubelet, runtime: Runtime, clock: Clock) -> None:
        self._kubelet = kubelet
        self._runtime = runtime
        self._clock = clock

    async def answer(self, request: Request, target: Target) -> Response:
        worker = await self._worker(target)
        state = await self._kubelet.context.pleg.refresh(worker.uid)
        if target.verb == "containerLogs":
            return await self._logs(request, target, worker, state)
        if target.verb == "run":
            return await self._run(request, target, state)
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
            request.method, path, list(request.headers.items()), taken.reader, taken.writer, url, options, request.keep
        )
        return Response(0)

    async def _streaming_url(self, target: Target, state: PodState, command: list[str], options: StreamOptions) -> str:
        if target.verb == "portForward":
            sandbox = state.ready_sandbox
            if sandbox is None:
                raise NotFound(f'sandbox of pod "{target.pod}" is not running')
            return await self._runtime.port_forward(sandbox.id, ())
        container = _running(target, state)
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

    async def _run(self, request: Request, target: Target, state: PodState) -> Response:
        """One command to its end: what it has written is the answer."""
        if self._runtime.simulated:
            raise BadRequest("simulated node has no container processes")
        container = _running(target, state)
        command = parse_query(request.query).get("cmd", [""])[0].split(" ")
        done = await self._runtime.exec_sync(container.id, command, RUN_SECONDS)
        if done.exit_code:
            raise InternalError.occurred(f"command terminated with exit code {done.exit_code}")
        return Response(200, _TEXT, done.stdout + done.stderr)


def _running(target: Target, state: PodState) -> ContainerStatus:
    container = state.latest(target.container)
    if container is None or container.state is not ContainerState.RUNNING:
        raise NotFound(f'container not found ("{target.container}")')
    return container


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
