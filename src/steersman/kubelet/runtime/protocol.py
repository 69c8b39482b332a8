"""The Runtime boundary: everything the node agent asks of whatever runs its containers.

Two runtimes stand behind it: `runtime.cri` (containerd and any other CRI v1 server) and `runtime.fake`
(simulated nodes). One conformance suite holds both to the promises made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from steersman.kubelet.runtime.types import (
    AuthConfig,
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
    RuntimeStatus,
    RuntimeVersion,
    SandboxState,
)


class Runtime(Protocol):
    """Runs pods' sandboxes and containers.

    Errors: every method raises `RuntimeCallError`. An unknown id is NOT_FOUND, except that stopping and
    removing are idempotent and accept it silently. A runtime that cannot be reached is UNAVAILABLE; the
    caller tries again, and finds whatever was made before the failure in the lists.

    Ordering and staleness: each answer is the state at the time of the call; there is no cache and no order
    between concurrent calls. Callers serialise the calls of one pod; different pods may go in parallel.

    Ownership: sandboxes and containers outlive the caller. After a restart the lists are the only truth, so
    what the caller must remember goes into labels and annotations, which come back as they were given.

    Cancellation: cancelling a call abandons the answer and does not undo the work.
    """

    @property
    def simulated(self) -> bool:
        """No process runs behind a container: probes, logs and exec have nothing to talk to."""
        ...

    async def version(self) -> RuntimeVersion: ...

    async def status(self) -> RuntimeStatus: ...

    async def close(self) -> None:
        """Let go of the connection. Containers go on."""
        ...

    # Sandboxes.

    async def run_pod_sandbox(self, config: PodSandboxConfig, *, runtime_handler: str = "") -> str:
        """Create and start a sandbox, network included; the id. Leaves nothing behind when it fails.
        ALREADY_EXISTS or UNKNOWN when the same (name, namespace, uid, attempt) is taken."""
        ...

    async def stop_pod_sandbox(self, id: str) -> None:
        """Kill what runs in it and give its network back. Idempotent, also for an unknown id."""
        ...

    async def remove_pod_sandbox(self, id: str) -> None:
        """Remove the sandbox and its containers, running or not. Idempotent, also for an unknown id."""
        ...

    async def pod_sandbox_status(self, id: str) -> PodSandboxStatus: ...

    async def list_pod_sandboxes(
        self, *, id: str = "", state: SandboxState | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[PodSandbox]:
        """All sandboxes that match every filter given. `id` matches whole."""
        ...

    # Containers.

    async def create_container(
        self, pod_sandbox_id: str, config: ContainerConfig, sandbox_config: PodSandboxConfig
    ) -> str:
        """Create a container in a ready sandbox; the id. The image must be present (NOT_FOUND otherwise).
        `sandbox_config` is what the sandbox was made from."""
        ...

    async def start_container(self, id: str) -> None:
        """Start a created container. A command that cannot be executed raises and leaves the container
        EXITED with reason StartError."""
        ...

    async def stop_container(self, id: str, timeout: int) -> None:
        """Stop signal, then a kill after `timeout` seconds (0: at once). Returns when it has ended.
        Idempotent, also for an unknown id."""
        ...

    async def remove_container(self, id: str) -> None:
        """Remove a container, killing it first when it runs. Idempotent, also for an unknown id."""
        ...

    async def list_containers(
        self,
        *,
        id: str = "",
        pod_sandbox_id: str = "",
        state: ContainerState | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Sequence[Container]:
        """All containers that match every filter given. Ids match whole."""
        ...

    async def container_status(self, id: str) -> ContainerStatus: ...

    async def update_container_resources(self, id: str, resources: LinuxResources) -> None:
        """Change the limits of a created or running container. Zero fields stay as they are."""
        ...

    async def reopen_container_log(self, id: str) -> None:
        """Make the runtime open the log path anew, after the file was renamed away."""
        ...

    # Commands and streams.

    async def exec_sync(self, id: str, cmd: Sequence[str], timeout: float) -> ExecResult:
        """Run a command in a running container and wait. `timeout` in seconds, 0 for none; past it the
        command is killed and DEADLINE_EXCEEDED raised."""
        ...

    async def exec(self, id: str, cmd: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        """A single-use URL where the command runs once a client connects (see `kubelet.streaming`)."""
        ...

    async def attach(self, id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        """A single-use URL that attaches to the container's first process."""
        ...

    async def port_forward(self, pod_sandbox_id: str, ports: Sequence[int]) -> str:
        """A single-use URL that forwards connections into the sandbox's network namespace."""
        ...

    # Images.

    async def pull_image(
        self, image: str, auth: AuthConfig | None = None, sandbox_config: PodSandboxConfig | None = None
    ) -> str:
        """Pull; the image's id."""
        ...

    async def image_status(self, image: str) -> Image | None:
        """The image by reference or id, or None when it is not present."""
        ...

    async def list_images(self) -> Sequence[Image]: ...

    async def remove_image(self, image: str) -> None:
        """Remove an image with all its names. Idempotent, also for an unknown one."""
        ...

    async def image_fs_info(self) -> Sequence[FilesystemUsage]: ...

    # Usage.

    async def container_stats(self, id: str) -> ContainerStats: ...

    async def list_container_stats(self, *, pod_sandbox_id: str = "") -> Sequence[ContainerStats]:
        """Stats of running containers. Costs milliseconds per container: cache it."""
        ...

    async def pod_sandbox_stats(self, id: str) -> PodSandboxStats: ...

    async def list_pod_sandbox_stats(self) -> Sequence[PodSandboxStats]: ...
