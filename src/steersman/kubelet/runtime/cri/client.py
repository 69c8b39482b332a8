"""The `Runtime` of a CRI v1 server behind a unix socket."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from steersman.http.grpcio import library
from steersman.kubelet.runtime.cri import convert
from steersman.kubelet.runtime.cri.messages import PACKAGE, message
from steersman.kubelet.runtime.types import (
    AuthConfig,
    Code,
    Container,
    ContainerConfig,
    ContainerState,
    ContainerStats,
    ContainerStatus,
    ExecResult,
    FilesystemUsage,
    Image,
    LinuxResources,
    PodSandbox,
    PodSandboxConfig,
    PodSandboxStats,
    PodSandboxStatus,
    RuntimeCallError,
    RuntimeStatus,
    RuntimeVersion,
    SandboxState,
)

CALL_TIMEOUT = 120.0
# A sandbox may pull its own image and waits for its network.
SANDBOX_TIMEOUT = 240.0
MESSAGE_MAX = 64 << 20
OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_MAX),
    ("grpc.max_send_message_length", MESSAGE_MAX),
    # A restarted containerd listens within milliseconds; the default back-off would wait up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_http_proxy", 0),
]
RUNTIME = "RuntimeService"
IMAGES = "ImageService"


class Meter(Protocol):
    """Who counts the calls: `now` is any clock's, and `called` gets what it said when the call began."""

    def now(self) -> float: ...

    def called(self, operation: str, began: float, *, failed: bool) -> None: ...


class CriRuntime:
    """A `Runtime` over one gRPC connection, opened by the first call and opened again when it breaks.

    `socket` is the path of the server's unix socket. Use it from one event loop.
    """

    def __init__(self, socket: str, meter: Meter | None = None) -> None:
        self._meter = meter
        self._target = f"unix://{socket}"
        self._channel: Any = None
        self._methods: dict[str, Any] = {}

    @property
    def simulated(self) -> bool:
        return False

    def _method(self, service: str, name: str) -> Any:
        found = self._methods.get(name)
        if found is None:
            if self._channel is None:
                self._channel = library().aio.insecure_channel(self._target, options=OPTIONS)
            found = self._methods[name] = self._channel.unary_unary(
                f"/{PACKAGE}.{service}/{name}",
                request_serializer=message(f"{name}Request").SerializeToString,
                response_deserializer=message(f"{name}Response").FromString,
            )
        return found

    async def _call(
        self, name: str, /, *, service: str = RUNTIME, deadline: float | None = CALL_TIMEOUT, **fields: Any
    ) -> Any:
        """`deadline` in seconds; `fields` are the request's."""
        method = self._method(service, name)
        request = message(f"{name}Request")(**fields)
        meter = self._meter
        began = meter.now() if meter else 0.0
        failed = True
        try:
            answer = await method(request, timeout=deadline)
            failed = False
        except library().aio.AioRpcError as error:
            raise RuntimeCallError(Code[error.code().name], error.details() or "") from error
        finally:
            if meter:
                meter.called(_operation(name), began, failed=failed)
        return answer

    async def _call_unless_gone(self, name: str, /, **fields: Any) -> None:
        try:
            await self._call(name, **fields)
        except RuntimeCallError as error:
            if not error.not_found:
                raise

    async def version(self) -> RuntimeVersion:
        found = await self._call("Version")
        return RuntimeVersion(
            runtime_name=found.runtime_name,
            runtime_version=found.runtime_version,
            runtime_api_version=found.runtime_api_version,
        )

    async def status(self) -> RuntimeStatus:
        return convert.runtime_status((await self._call("Status")).status)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
            self._methods.clear()

    # Sandboxes.

    async def run_pod_sandbox(self, config: PodSandboxConfig, *, runtime_handler: str = "") -> str:
        made = await self._call(
            "RunPodSandbox",
            deadline=SANDBOX_TIMEOUT,
            config=convert.sandbox_fields(config),
            runtime_handler=runtime_handler,
        )
        return str(made.pod_sandbox_id)

    async def stop_pod_sandbox(self, id: str) -> None:
        await self._call_unless_gone("StopPodSandbox", pod_sandbox_id=id)

    async def remove_pod_sandbox(self, id: str) -> None:
        await self._call_unless_gone("RemovePodSandbox", pod_sandbox_id=id)

    async def pod_sandbox_status(self, id: str) -> PodSandboxStatus:
        return convert.sandbox_status((await self._call("PodSandboxStatus", pod_sandbox_id=id)).status)

    async def list_pod_sandboxes(
        self, *, id: str = "", state: SandboxState | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[PodSandbox]:
        wanted = convert.filter_fields(id=id, state=state, labels=labels)
        found = await self._call("ListPodSandbox", filter=wanted)
        return [convert.sandbox(item) for item in found.items]

    # Containers.

    async def create_container(
        self, pod_sandbox_id: str, config: ContainerConfig, sandbox_config: PodSandboxConfig
    ) -> str:
        made = await self._call(
            "CreateContainer",
            pod_sandbox_id=pod_sandbox_id,
            config=convert.container_fields(config),
            sandbox_config=convert.sandbox_fields(sandbox_config),
        )
        return str(made.container_id)

    async def start_container(self, id: str) -> None:
        await self._call("StartContainer", container_id=id)

    async def stop_container(self, id: str, timeout: int) -> None:
        await self._call_unless_gone("StopContainer", deadline=timeout + CALL_TIMEOUT, container_id=id, timeout=timeout)

    async def remove_container(self, id: str) -> None:
        await self._call_unless_gone("RemoveContainer", container_id=id)

    async def list_containers(
        self,
        *,
        id: str = "",
        pod_sandbox_id: str = "",
        state: ContainerState | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Container]:
        wanted = convert.filter_fields(id=id, pod_sandbox_id=pod_sandbox_id, state=state, labels=labels)
        found = await self._call("ListContainers", filter=wanted)
        return [convert.container(item) for item in found.containers]

    async def container_status(self, id: str) -> ContainerStatus:
        return convert.container_status((await self._call("ContainerStatus", container_id=id)).status)

    async def update_container_resources(self, id: str, resources: LinuxResources) -> None:
        await self._call("UpdateContainerResources", container_id=id, linux=convert.resources_fields(resources))

    async def reopen_container_log(self, id: str) -> None:
        await self._call("ReopenContainerLog", container_id=id)

    # Commands and streams.

    async def exec_sync(self, id: str, cmd: Sequence[str], timeout: float) -> ExecResult:
        seconds = math.ceil(timeout)
        done = await self._call(
            "ExecSync",
            deadline=seconds + CALL_TIMEOUT if seconds else None,
            container_id=id,
            cmd=cmd,
            timeout=seconds,
        )
        return ExecResult(done.stdout, done.stderr, done.exit_code)

    async def exec(self, id: str, cmd: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        made = await self._call("Exec", container_id=id, cmd=cmd, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)
        return str(made.url)

    async def attach(self, id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        made = await self._call("Attach", container_id=id, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)
        return str(made.url)

    async def port_forward(self, pod_sandbox_id: str, ports: Sequence[int]) -> str:
        made = await self._call("PortForward", pod_sandbox_id=pod_sandbox_id, port=ports)
        return str(made.url)

    # Images.

    async def pull_image(
        self, image: str, auth: AuthConfig | None = None, sandbox_config: PodSandboxConfig | None = None
    ) -> str:
        # A large image may take any time: the caller cancels, a deadline would not know.
        made = await self._call(
            "PullImage",
            service=IMAGES,
            deadline=None,
            image={"image": image},
            auth=convert.auth_fields(auth),
            sandbox_config=sandbox_config and convert.sandbox_fields(sandbox_config),
        )
        return str(made.image_ref)

    async def image_status(self, image: str) -> Image | None:
        found = await self._call("ImageStatus", service=IMAGES, image={"image": image})
        return convert.image(found.image) if found.HasField("image") else None

    async def list_images(self) -> Sequence[Image]:
        found = await self._call("ListImages", service=IMAGES)
        return [convert.image(item) for item in found.images]

    async def remove_image(self, image: str) -> None:
        await self._call_unless_gone("RemoveImage", service=IMAGES, image={"image": image})

    async def image_fs_info(self) -> Sequence[FilesystemUsage]:
        found = await self._call("ImageFsInfo", service=IMAGES)
        return [convert.filesystem(item) for item in found.image_filesystems]

    # Usage.

    async def container_stats(self, id: str) -> ContainerStats:
        return convert.container_stats((await self._call("ContainerStats", container_id=id)).stats)

    async def list_container_stats(self, *, pod_sandbox_id: str = "") -> Sequence[ContainerStats]:
        wanted = convert.filter_fields(pod_sandbox_id=pod_sandbox_id, state=None, labels=None)
        found = await self._call("ListContainerStats", filter=wanted)
        return [convert.container_stats(item) for item in found.stats]

    async def pod_sandbox_stats(self, id: str) -> PodSandboxStats:
        return convert.sandbox_stats((await self._call("PodSandboxStats", pod_sandbox_id=id)).stats)

    async def list_pod_sandbox_stats(self) -> Sequence[PodSandboxStats]:
        found = await self._call("ListPodSandboxStats")
        return [convert.sandbox_stats(item) for item in found.stats]


@cache
def _operation(name: str) -> str:
    """A method as metrics call it: RunPodSandbox is run_podsandbox."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.replace("PodSandbox", "Podsandbox")).lower()
    return words.removesuffix("_resources") if name == "UpdateContainerResources" else words
