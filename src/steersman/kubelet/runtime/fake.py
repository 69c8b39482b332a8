"""A runtime without processes, for simulated nodes: it keeps books, takes time from the clock, and hands out
addresses from the node's pod range. Thousands of pods cost a few megabytes and no task."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from steersman.api.clock import Clock
from steersman.kubelet.references import normalize_reference
from steersman.kubelet.runtime.types import (
    AuthConfig,
    Code,
    Condition,
    Container,
    ContainerConfig,
    ContainerState,
    ContainerStats,
    ContainerStatus,
    CpuUsage,
    ExecResult,
    FilesystemUsage,
    Image,
    LinuxResources,
    MemoryUsage,
    NamespaceMode,
    PodSandbox,
    PodSandboxConfig,
    PodSandboxStats,
    PodSandboxStatus,
    RuntimeCallError,
    RuntimeStatus,
    RuntimeVersion,
    SandboxState,
)

SECOND = 1_000_000_000
EXIT_SIGTERM = 143
NO_PROCESSES = "simulated node has no container processes"
WORKING_SET = 16 << 20


class _Sandbox(Struct):
    id: str
    config: PodSandboxConfig
    created_at: int
    ip: str
    ready: bool = True


class _Container(Struct):
    id: str
    sandbox: _Sandbox
    config: ContainerConfig
    image: Image
    created_at: int
    resources: LinuxResources
    started_at: int = 0
    ends_at: int = 0
    exit_code: int = 0
    reason: str = ""


class AddressRange:
    """Hands out a range's host addresses in turn, so that one just given back is reused last.

    The first two and the last address stay out: network, gateway and broadcast.
    """

    def __init__(self, cidr: str) -> None:
        network = ipaddress.ip_network(cidr)
        self._first = int(network.network_address) + 2
        self._count = max(network.num_addresses - 3, 0)
        self._make = type(network.network_address)
        self._next = 0
        self._used: set[int] = set()

    def take(self) -> str:
        """The next free address; RESOURCE_EXHAUSTED when there is none."""
        for step in range(self._count):
            offset = (self._next + step) % self._count
            if offset not in self._used:
                self._used.add(offset)
                self._next = offset + 1
                return str(self._make(self._first + offset))
        raise RuntimeCallError(Code.RESOURCE_EXHAUSTED, "no free address in the pod range")

    def give_back(self, address: str) -> None:
        self._used.discard(int(ipaddress.ip_address(address)) - self._first)


def _matches(labels: Mapping[str, str], wanted: Mapping[str, str] | None) -> bool:
    return not wanted or all(labels.get(key) == value for key, value in wanted.items())


def _not_found(what: str, id: str) -> RuntimeCallError:
    return RuntimeCallError(Code.NOT_FOUND, f'{what} "{id}" not found')


class FakeRuntime:
    """The `Runtime` of one simulated node.

    Containers run until stopped; those with `run_to_completion` end with exit code 0 once the clock is
    `completes_after` seconds past their start. Every image can be pulled. Identifiers depend only on names,
    so two runs over the same pods are the same.
    """

    def __init__(self, clock: Clock, pod_cidr: str, *, node: str = "", completes_after: float = 1.0) -> None:
        self._clock = clock
        self._node = node
        self._addresses = AddressRange(pod_cidr)
        self._completes_after = int(completes_after * SECOND)
        self._sandboxes: dict[str, _Sandbox] = {}
        self._containers: dict[str, _Container] = {}
        self._images: dict[str, Image] = {}

    @property
    def simulated(self) -> bool:
        return True

    async def version(self) -> RuntimeVersion:
        return RuntimeVersion(runtime_name="fake", runtime_version="1.0.0", runtime_api_version="v1")

    async def status(self) -> RuntimeStatus:
        ready = [Condition(type=name, status=True) for name in ("RuntimeReady", "NetworkReady")]
        return RuntimeStatus(conditions=ready)

    async def close(self) -> None:
        """Nothing is held."""

    # Sandboxes.

    async def run_pod_sandbox(self, config: PodSandboxConfig, *, runtime_handler: str = "") -> str:
        id = self._id("sandbox", config.namespace, config.name, config.uid, config.attempt)
        if id in self._sandboxes:
            raise RuntimeCallError(Code.ALREADY_EXISTS, f"sandbox of {config.namespace}/{config.name} is reserved")
        on_node = config.security.namespaces.network is NamespaceMode.NODE
        ip = "" if on_node else self._addresses.take()
        self._sandboxes[id] = _Sandbox(id=id, config=config, created_at=self._now(), ip=ip)
        return id

    async def stop_pod_sandbox(self, id: str) -> None:
        sandbox = self._sandboxes.get(id)
        if sandbox is None:
            return
        for container in self._of_sandbox(id):
            self._end(container)
        sandbox.ready = False
        if sandbox.ip:
            self._addresses.give_back(sandbox.ip)
            sandbox.ip = ""

    async def remove_pod_sandbox(self, id: str) -> None:
        await self.stop_pod_sandbox(id)
        for container in self._of_sandbox(id):
            del self._containers[container.id]
        self._sandboxes.pop(id, None)

    async def pod_sandbox_status(self, id: str) -> PodSandboxStatus:
        sandbox = self._sandboxes.get(id)
        if sandbox is None:
            raise _not_found("sandbox", id)
        network = sandbox.config.security.namespaces.network
        listed = _listed_sandbox(sandbox)
        return PodSandboxStatus(
            **msgspec.structs.asdict(listed), ips=(sandbox.ip,) if sandbox.ip else (), network=network
        )

    async def list_pod_sandboxes(
        self, *, id: str = "", state: SandboxState | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[PodSandbox]:
        listed = (_listed_sandbox(s) for s in self._sandboxes.values() if not id or s.id == id)
        return [s for s in listed if state in (None, s.state) and _matches(s.labels, labels)]

    # Containers.

    async def create_container(
        self, pod_sandbox_id: str, config: ContainerConfig, sandbox_config: PodSandboxConfig
    ) -> str:
        sandbox = self._sandboxes.get(pod_sandbox_id)
        if sandbox is None:
            raise _not_found("sandbox", pod_sandbox_id)
        if not sandbox.ready:
            raise RuntimeCallError(Code.FAILED_PRECONDITION, "the sandbox is not ready")
        image = await self.image_status(config.image)
        if image is None:
            raise _not_found("image", config.image)
        id = self._id("container", pod_sandbox_id, config.name, config.attempt)
        if id in self._containers:
            raise RuntimeCallError(Code.ALREADY_EXISTS, f'container name "{config.name}" is reserved')
        self._containers[id] = _Container(
            id=id,
            sandbox=sandbox,
            config=config,
            image=image,
            created_at=self._now(),
            resources=config.resources,
        )
        return id

    async def start_container(self, id: str) -> None:
        container = self._container(id)
        if container.started_at:
            raise RuntimeCallError(Code.FAILED_PRECONDITION, "the container was started before")
        container.started_at = self._now()
        if container.config.run_to_completion:
            container.ends_at = container.started_at + self._completes_after
            container.reason = "Completed"

    async def stop_container(self, id: str, timeout: int) -> None:
        container = self._containers.get(id)
        if container is not None:
            self._end(container)

    async def remove_container(self, id: str) -> None:
        self._containers.pop(id, None)

    async def list_containers(
        self,
        *,
        id: str = "",
        pod_sandbox_id: str = "",
        state: ContainerState | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Container]:
        chosen: Iterable[_Container] = self._containers.values()
        if pod_sandbox_id:
            chosen = self._of_sandbox(pod_sandbox_id)
        listed = (self._listed_container(c) for c in chosen if not id or c.id == id)
        return [c for c in listed if state in (None, c.state) and _matches(c.labels, labels)]

    async def container_status(self, id: str) -> ContainerStatus:
        container = self._container(id)
        config = container.config
        state = self._state(container)
        exited = state is ContainerState.EXITED
        return ContainerStatus(
            id=id,
            name=config.name,
            attempt=config.attempt,
            state=state,
            created_at=container.created_at,
            started_at=container.started_at,
            finished_at=container.ends_at if exited else 0,
            exit_code=container.exit_code if exited else 0,
            reason=container.reason if exited else "",
            image=config.user_specified_image or config.image,
            image_ref=container.image.repo_digests[0],
            image_id=container.image.id,
            labels=config.labels,
            annotations=config.annotations,
            mounts=config.mounts,
            resources=container.resources,
        )

    async def update_container_resources(self, id: str, resources: LinuxResources) -> None:
        container = self._container(id)
        if self._state(container) is ContainerState.EXITED:
            raise RuntimeCallError(Code.FAILED_PRECONDITION, "the container has ended")
        changes = {k: v for k, v in msgspec.structs.asdict(resources).items() if v}
        container.resources = msgspec.structs.replace(container.resources, **changes)

    async def reopen_container_log(self, id: str) -> None:
        self._running(id)

    # Commands and streams.

    async def exec_sync(self, id: str, cmd: Sequence[str], timeout: float) -> ExecResult:
        self._running(id)
        raise RuntimeCallError(Code.UNIMPLEMENTED, NO_PROCESSES)

    async def exec(self, id: str, cmd: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        self._running(id)
        raise RuntimeCallError(Code.UNIMPLEMENTED, NO_PROCESSES)

    async def attach(self, id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        self._running(id)
        raise RuntimeCallError(Code.UNIMPLEMENTED, NO_PROCESSES)

    async def port_forward(self, pod_sandbox_id: str, ports: Sequence[int]) -> str:
        if pod_sandbox_id not in self._sandboxes:
            raise _not_found("sandbox", pod_sandbox_id)
        raise RuntimeCallError(Code.UNIMPLEMENTED, NO_PROCESSES)

    # Images.

    async def pull_image(
        self, image: str, auth: AuthConfig | None = None, sandbox_config: PodSandboxConfig | None = None
    ) -> str:
        name = self._reference(image)
        digest = hashlib.sha256(name.encode()).hexdigest()
        repository = name.partition("@")[0].rpartition(":")[0] or name
        self._images[name] = Image(
            id=f"sha256:{digest}",
            repo_tags=() if "@" in name else (name,),
            repo_digests=(name if "@" in name else f"{repository}@sha256:{digest}",),
            size_bytes=WORKING_SET,
        )
        return self._images[name].id

    async def image_status(self, image: str) -> Image | None:
        if image.startswith("sha256:"):
            return next((i for i in self._images.values() if i.id == image), None)
        return self._images.get(self._reference(image))

    async def list_images(self) -> Sequence[Image]:
        return list(self._images.values())

    async def remove_image(self, image: str) -> None:
        found = await self.image_status(image)
        self._images = {name: i for name, i in self._images.items() if i is not found}

    async def image_fs_info(self) -> Sequence[FilesystemUsage]:
        used = sum(image.size_bytes for image in self._images.values())
        return [FilesystemUsage(timestamp=self._now(), mountpoint="/", used_bytes=used, inodes_used=0)]

    # Usage.

    async def container_stats(self, id: str) -> ContainerStats:
        return self._stats(self._running(id))

    async def list_container_stats(self, *, pod_sandbox_id: str = "") -> Sequence[ContainerStats]:
        chosen = self._of_sandbox(pod_sandbox_id) if pod_sandbox_id else self._containers.values()
        return [self._stats(c) for c in chosen if self._state(c) is ContainerState.RUNNING]

    async def pod_sandbox_stats(self, id: str) -> PodSandboxStats:
        sandbox = self._sandboxes.get(id)
        if sandbox is None:
            raise _not_found("sandbox", id)
        return self._sandbox_stats(sandbox)

    async def list_pod_sandbox_stats(self) -> Sequence[PodSandboxStats]:
        return [self._sandbox_stats(s) for s in self._sandboxes.values() if s.ready]

    # Books.

    def _id(self, *parts: object) -> str:
        return hashlib.sha256("\0".join(map(str, (self._node, *parts))).encode()).hexdigest()

    def _now(self) -> int:
        return int(self._clock.time() * SECOND)

    def _reference(self, image: str) -> str:
        try:
            return normalize_reference(image)
        except ValueError as error:
            raise RuntimeCallError(Code.INVALID_ARGUMENT, str(error)) from error

    def _container(self, id: str) -> _Container:
        try:
            return self._containers[id]
        except KeyError:
            raise _not_found("container", id) from None

    def _running(self, id: str) -> _Container:
        container = self._container(id)
        if self._state(container) is not ContainerState.RUNNING:
            raise RuntimeCallError(Code.FAILED_PRECONDITION, "the container is not running")
        return container

    def _of_sandbox(self, id: str) -> list[_Container]:
        return [c for c in self._containers.values() if c.sandbox.id == id]

    def _state(self, container: _Container) -> ContainerState:
        """Completion is read off the clock, so that no task waits for it."""
        if not container.started_at:
            return ContainerState.CREATED
        if container.ends_at and container.ends_at <= self._now():
            return ContainerState.EXITED
        return ContainerState.RUNNING

    def _end(self, container: _Container) -> None:
        if self._state(container) is not ContainerState.RUNNING:
            return
        container.ends_at = self._now()
        container.exit_code = EXIT_SIGTERM
        container.reason = "Error"

    def _listed_container(self, container: _Container) -> Container:
        config = container.config
        return Container(
            id=container.id,
            pod_sandbox_id=container.sandbox.id,
            name=config.name,
            attempt=config.attempt,
            image=config.image,
            image_ref=container.image.id,
            state=self._state(container),
            created_at=container.created_at,
            labels=config.labels,
            annotations=config.annotations,
        )

    def _stats(self, container: _Container) -> ContainerStats:
        now = self._now()
        return ContainerStats(
            id=container.id,
            name=container.config.name,
            attempt=container.config.attempt,
            labels=container.config.labels,
            annotations=container.config.annotations,
            cpu=CpuUsage(timestamp=now),
            memory=MemoryUsage(timestamp=now, working_set_bytes=WORKING_SET, usage_bytes=WORKING_SET),
        )

    def _sandbox_stats(self, sandbox: _Sandbox) -> PodSandboxStats:
        running = [c for c in self._of_sandbox(sandbox.id) if self._state(c) is ContainerState.RUNNING]
        now = self._now()
        used = WORKING_SET * len(running)
        return PodSandboxStats(
            id=sandbox.id,
            name=sandbox.config.name,
            uid=sandbox.config.uid,
            namespace=sandbox.config.namespace,
            cpu=CpuUsage(timestamp=now),
            memory=MemoryUsage(timestamp=now, working_set_bytes=used, usage_bytes=used),
            process_count=len(running),
            containers=[self._stats(c) for c in running],
        )


def _listed_sandbox(sandbox: _Sandbox) -> PodSandbox:
    config = sandbox.config
    return PodSandbox(
        id=sandbox.id,
        name=config.name,
        uid=config.uid,
        namespace=config.namespace,
        attempt=config.attempt,
        state=SandboxState.READY if sandbox.ready else SandboxState.NOT_READY,
        created_at=sandbox.created_at,
        labels=config.labels,
        annotations=config.annotations,
    )
