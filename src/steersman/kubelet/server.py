"""The kubelet's own API, a handler without a socket: who may ask, and who answers."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPMethod
from typing import TYPE_CHECKING, Final

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import Forbidden, InternalError, NotFound, StatusError, Unauthorized
from steersman.api.http import Request, Response
from steersman.kinds.types.core_v1 import Container, Pod, PodList, PodSpec
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet import health
from steersman.kubelet.access import Access
from steersman.kubelet.certificates import Keeper
from steersman.kubelet.kubelet import HOUSEKEEPING_SECONDS, Kubelet
from steersman.kubelet.pod_state import POD_UID
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import ContainerState, RuntimeCallError, SandboxState
from steersman.kubelet.server_containers import Containers
from steersman.kubelet.server_paths import parse_query, parse_target
from steersman.kubelet.settings import ServerSettings

if TYPE_CHECKING:
    # What nobody asks for on most nodes is loaded when somebody does.
    from steersman.kubelet.server_figures import Figures

_JSON = {"Content-Type": "application/json"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_METRICS = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
# The kubelet looks its node over this often; it is stuck when it has not for so long.
STUCK_SECONDS: Final = 30 * HOUSEKEEPING_SECONDS
# First parts of paths that metrics tell apart, those of requests that last among them, and all methods.
_LASTING = frozenset({"exec", "attach", "portForward", "debug"})
_KNOWN = _LASTING | {
    "checkpoint", "configz", "containerLogs", "healthz", "logs", "metrics", "metrics/cadvisor", "metrics/probes",
    "metrics/resource", "pods", "run", "runningpods", "stats",
}  # fmt: skip
_METHODS = frozenset(HTTPMethod)
# What is refused when the handlers for debugging are off.
_DEBUGGING = ("run", "exec", "attach", "portForward", "containerLogs", "runningpods", "logs")
_ALLOWED = {"containerLogs": ("GET",), "run": ("POST",)}


class KubeletServer:
    """Contract: `handle` answers every request; what goes wrong is told in a Status, and who may not ask in a line of text."""

    def __init__(
        self,
        kubelet: Kubelet,
        runtime: Runtime,
        clock: Clock,
        access: Access,
        settings: ServerSettings | None = None,
        keepers: Sequence[Keeper] = (),
    ) -> None:
        self._access = access
        self._kubelet = kubelet
        self._runtime = runtime
        self._clock = clock
        self._settings = settings or ServerSettings()
        self._containers = Containers(kubelet, runtime, clock)
        self._keepers = keepers
        self._made: Figures | None = None

    async def handle(self, request: Request) -> Response:
        instruments = self._kubelet.instruments
        series = _series(request)
        instruments.requests.add(*series)
        instruments.requests_now.add(*series)
        try:
            with instruments.timed(instruments.request_seconds, *series):
                return await self._answer(request)
        finally:
            instruments.requests_now.add(*series, by=-1)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._route(request)
        except (Unauthorized, Forbidden) as error:
            text = "Unauthorized" if error.code == 401 else f"{error}\n"
            return Response(error.code, {**_TEXT, **error.headers}, text.encode())
        except StatusError as error:
            return Response(error.code, {**_JSON, **error.headers}, msgspec.json.encode(error.status()))
        except RuntimeCallError as error:
            failed = InternalError.occurred(f"error executing command in container: {error.message}")
            return Response(failed.code, _JSON, msgspec.json.encode(failed.status()))

    async def _route(self, request: Request) -> Response:
        await self._access.check(request)
        first, _, rest = request.path.removeprefix("/").partition("/")
        if first == "healthz":
            return health.answer(self._checks(), rest, request.query, self._kubelet.instruments.check)
        if first in ("stats", "metrics"):
            return await self._figure(request)
        if first == "pods" and not rest:
            return _not_allowed("GET") if request.method != "GET" else _json(self._pods())
        if not self._settings.debugging_handlers:
            if first in _DEBUGGING or request.path.startswith("/debug/pprof/"):
                return _refused("Debug endpoints are disabled.")
            raise NotFound("404 page not found")
        return await self._debugging(request, first, rest)

    async def _debugging(self, request: Request, first: str, rest: str) -> Response:
        """What is there unless it was switched off."""
        if first == "configz" and not rest:
            return _json({"kubeletconfig": self._settings.configuration()})
        if first == "runningpods" and not rest:
            return _not_allowed("GET") if request.method != "GET" else _json(await self._running_pods())
        if first == "logs":
            return await self._node_logs(request, rest)
        if request.path.startswith("/debug/pprof/"):
            return _refused("profiling endpoint is disabled.")
        if request.path == "/debug/flags/v":
            return _refused("flags endpoint is disabled.")
        target = parse_target(request.path)
        if target is None:
            raise NotFound("404 page not found")
        allowed = _ALLOWED.get(target.verb, ("GET", "POST"))
        if request.method not in allowed:
            return _not_allowed(", ".join(allowed))
        return await self._containers.answer(request, target)

    def _figures(self) -> Figures:
        from steersman.kubelet.server_figures import Figures

        if self._made is None:
            self._made = Figures(self._kubelet, self._runtime, self._clock, self._keepers)
        return self._made

    async def _figure(self, request: Request) -> Response:
        figures = self._figures()
        match request.path.rstrip("/"):
            case "/metrics":
                text = await figures.metrics()
            case "/metrics/resource":
                text = await figures.resource()
            case "/metrics/cadvisor":
                text = await figures.cadvisor()
            case "/metrics/probes":
                text = figures.probes()
            case "/metrics/slis":
                text = self._kubelet.instruments.slis.render()
            case "/stats/summary":
                brief = parse_query(request.query).get("only_cpu_and_memory") == ["true"]
                return _json(await figures.summary(brief=brief))
            case _:
                raise NotFound("404 page not found")
        return Response(200, _METRICS, text.encode())

    async def _node_logs(self, request: Request, path: str) -> Response:
        from steersman.kubelet import node_logs

        settings = self._settings
        if not settings.system_log_handler:
            return _refused("logs endpoint is disabled.")
        if request.method != "GET":
            return _not_allowed("GET")
        if settings.system_log_query:
            from steersman.kubelet import node_log_query

            asked = node_log_query.parse(request.query)
            if isinstance(asked, Response):
                return asked
            if asked is not None:
                return await node_log_query.answer(asked, settings.log_folder, path)
        if request.path == "/logs":
            return Response(301, {"Location": "/logs/"})
        return await node_logs.answer(settings.log_folder, path)

    def _checks(self) -> dict[str, health.Check]:
        return {"ping": lambda: "", "log": lambda: "", "syncloop": self._stuck}

    def _stuck(self) -> str:
        late = self._clock.monotonic() - self._kubelet.looked_over > STUCK_SECONDS
        return "sync Loop took longer than expected" if late else ""

    def _pods(self) -> PodList:
        """The node's pods, each with the newest status, which the API may not have yet."""
        pods = []
        for worker in self._kubelet.workers():
            pod, status = worker.pod, self._kubelet.context.status.get(worker.uid)
            pods.append(Pod(metadata=pod.metadata, spec=pod.spec, status=status or pod.status))
        return PodList(items=pods)

    async def _running_pods(self) -> PodList:
        """What the runtime says, which knows no more of a pod than this."""
        sandboxes = await self._runtime.list_pod_sandboxes(state=SandboxState.READY)
        containers = await self._runtime.list_containers(state=ContainerState.RUNNING)
        return PodList(
            items=[
                Pod(
                    metadata=ObjectMeta(name=sandbox.name, namespace=sandbox.namespace, uid=sandbox.uid),
                    spec=PodSpec(
                        containers=[
                            Container(name=c.name, image=c.image)
                            for c in containers
                            if c.labels.get(POD_UID) == sandbox.uid
                        ]
                    ),
                )
                for sandbox in sandboxes
            ]
        )


def _series(request: Request) -> tuple[str, str, str, str]:
    """How metrics tell requests apart: by method, path, sort of server, and whether they last."""
    first, _, rest = request.path.removeprefix("/").partition("/")
    path = f"metrics/{rest.partition('/')[0]}" if first == "metrics" and rest else first
    method = request.method if request.method in _METHODS else "other"
    return method, path if path in _KNOWN else "other", "readwrite", "true" if first in _LASTING else "false"


def _json(value: object) -> Response:
    return Response(200, _JSON, msgspec.json.encode(value))


def _refused(text: str) -> Response:
    return Response(405, {**_TEXT, "X-Content-Type-Options": "nosniff"}, f"{text}\n".encode())


def _not_allowed(allowed: str) -> Response:
    return Response(405, {**_TEXT, "Allow": allowed}, b"Method Not Allowed")
