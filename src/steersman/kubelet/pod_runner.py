"""Carries out what was planned for a pod: sandboxes and containers made, started, stopped and removed, with their events."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from steersman.client.events import reference
from steersman.kinds.types.core_v1 import Container, ObjectReference, Pod
from steersman.kubelet.backoff import Backoff
from steersman.kubelet.container_config import DEFAULT_GRACE, container_config, log_directory, sandbox_config
from steersman.kubelet.dns_config import hosts_file, pod_dns
from steersman.kubelet.env import ConfigError, EnvContext, container_env, service_variables
from steersman.kubelet.handlers import HOOK_AGENT, HandlerError, Outcome, Target, run_handler
from steersman.kubelet.image_puller import ImageProblem
from steersman.kubelet.node_context import NodeContext
from steersman.kubelet.pod_plan import ContainerStart, Role
from steersman.kubelet.pod_state import PodState
from steersman.kubelet.resources import container_resources, pod_resources
from steersman.kubelet.runtime import types as rt

# However short the grace period, and whatever a preStop hook used of it: a container gets this long after its signal.
_MIN_GRACE = 2
_HOSTS_PATH = "/etc/hosts"
_FIELDS = {Role.MAIN: "spec.containers", Role.EPHEMERAL: "spec.ephemeralContainers"}


class StartError(Exception):
    """A container could not be started; `reason` and `message` become its waiting state."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def container_reference(pod: Pod, container: str, role: Role = Role.MAIN) -> ObjectReference:
    """What events about one container point at."""
    field = _FIELDS.get(role, "spec.initContainers")
    return reference(pod, f"{field}{{{container}}}")


class PodRunner:
    """The hands of one pod's worker. Nothing here decides; every method does one thing to the runtime."""

    def __init__(self, node: NodeContext, backoff: Backoff) -> None:
        self._node = node
        self._backoff = backoff

    def _config(self, pod: Pod, attempt: int) -> rt.PodSandboxConfig:
        node = self._node
        resources = pod_resources(pod)
        with node.instruments.timed(node.instruments.cgroups, "create"):
            cgroup = node.cgroups.ensure_pod(pod, resources) if node.cgroups else ""
        logs = log_directory(node.logs_dir, pod)
        return sandbox_config(pod, attempt, pod_dns(pod, node.dns), logs, cgroup, resources)

    async def create_sandbox(self, pod: Pod, attempt: int) -> None:
        """Make the pod's sandbox, network and all. Raises StartError."""
        node = self._node
        try:
            config = self._config(pod, attempt)
            if not node.runtime.simulated:
                await asyncio.to_thread(os.makedirs, config.log_directory, exist_ok=True)
            with node.instruments.sandboxing():
                await node.runtime.run_pod_sandbox(config)
        except (rt.RuntimeCallError, OSError) as error:
            message = f"Failed to create pod sandbox: {error}"
            node.recorder.event(pod, "Warning", "FailedCreatePodSandBox", message)
            raise StartError("ContainerCreating", "") from error

    async def start_container(self, pod: Pod, start: ContainerStart, sandbox: rt.PodSandboxStatus) -> str:
        """Pull, create and start one container, and run its postStart hook; its id. Raises StartError."""
        node, container = self._node, start.container
        about = container_reference(pod, container.name, start.role)
        if start.attempt:
            # Whatever happens next, the following try has to wait longer.
            self._backoff.next(start.backoff_key, node.clock.time())
        config = self._config(pod, sandbox.attempt)

        def pulling() -> None:
            node.recorder.event(about, "Normal", "Pulling", f'Pulling image "{container.image}"')

        try:
            pulled = await node.puller.ensure(pod, container, config, pulling)
        except ImageProblem as problem:
            node.recorder.event(about, problem.event_type, problem.event, problem.message)
            node.recorder.event(about, "Warning", "Failed", f"Error: {problem.reason}")
            raise StartError(problem.reason, problem.message) from problem
        node.recorder.event(about, "Normal", "Pulled", pulled.message)
        try:
            wanted = await self._container_config(pod, start, sandbox, pulled.image)
        except (ConfigError, ValueError, OSError) as error:
            node.recorder.event(about, "Warning", "Failed", f"Error: {error}")
            raise StartError("CreateContainerConfigError", str(error)) from error
        try:
            id_ = await node.runtime.create_container(sandbox.id, wanted, config)
        except rt.RuntimeCallError as error:
            node.recorder.event(about, "Warning", "Failed", f"Error: {error.message}")
            raise StartError("CreateContainerError", error.message) from error
        node.recorder.event(about, "Normal", "Created", f"Container created: {container.name}")
        try:
            await node.runtime.start_container(id_)
        except rt.RuntimeCallError as error:
            node.recorder.event(about, "Warning", "Failed", f"Error: {error.message}")
            raise StartError("RunContainerError", error.message) from error
        node.recorder.event(about, "Normal", "Started", f"Container started: {container.name}")
        await self._post_start(pod, start, id_, sandbox)
        return id_

    async def _container_config(
        self, pod: Pod, start: ContainerStart, sandbox: rt.PodSandboxStatus, image: rt.Image
    ) -> rt.ContainerConfig:
        node, container = self._node, start.container
        facts = node.facts()
        ips = tuple(sandbox.ips) or (facts.ips if pod.spec.hostNetwork else ())
        links = pod.spec.enableServiceLinks is not False
        variables = service_variables(node.services(), pod.metadata.namespace, links)
        env = await container_env(container, EnvContext(pod, facts, ips, variables, node.objects))
        mounts: list[rt.Mount] = []
        if not node.runtime.simulated:
            mounts += await asyncio.to_thread(node.volumes.mounts, pod, container, dict(env))
            mounts += await asyncio.to_thread(self._own_mounts, pod, container, start.attempt, ips, mounts)
            logs = f"{log_directory(node.logs_dir, pod)}/{container.name}"
            await asyncio.to_thread(os.makedirs, logs, exist_ok=True)
        config = container_config(
            pod,
            container,
            role=start.role,
            attempt=start.attempt,
            image=image,
            env=env,
            mounts=mounts,
            resources=container_resources(pod, container, node.node_memory),
        )
        return await self._in_target(pod, config) if start.role is Role.EPHEMERAL else config

    async def _in_target(self, pod: Pod, config: rt.ContainerConfig) -> rt.ContainerConfig:
        """An ephemeral container that names a target shares its process namespace."""
        found = (c.targetContainerName for c in pod.spec.ephemeralContainers or [] if c.name == config.name)
        target = next(found, "")
        if not target:
            return config
        running = (await self._node.pleg.refresh(pod.metadata.uid)).latest(target)
        if running is None:
            raise ConfigError(f'unable to find target container "{target}"')
        namespaces = replace(config.security.namespaces, pid=rt.NamespaceMode.TARGET, target_id=running.id)
        return replace(config, security=replace(config.security, namespaces=namespaces))

    def _own_mounts(
        self, pod: Pod, container: Container, attempt: int, ips: tuple[str, ...], mounts: Iterable[rt.Mount]
    ) -> list[rt.Mount]:
        """The hosts file and the file that the container may leave a termination message in."""
        folder = self._node.pod_folder(pod.metadata.uid)
        folder.mkdir(parents=True, exist_ok=True)
        taken = {m.container_path for m in mounts}
        out = []
        if _HOSTS_PATH not in taken:
            hosts = folder / "etc-hosts"
            hosts.write_text(hosts_file(pod, ips, self._node.dns.domain, self._node.node_hosts()))
            out.append(rt.Mount(container_path=_HOSTS_PATH, host_path=str(hosts)))
        if container.terminationMessagePath:
            message = self.message_path(pod.metadata.uid, container.name, attempt)
            message.parent.mkdir(parents=True, exist_ok=True)
            message.touch()
            # Any user of the container may write it.
            message.chmod(0o666)
            out.append(rt.Mount(container_path=container.terminationMessagePath, host_path=str(message)))
        return out

    def message_path(self, uid: str, container: str, attempt: int) -> Path:
        return self._node.pod_folder(uid) / "containers" / container / str(attempt)

    async def _post_start(self, pod: Pod, start: ContainerStart, id_: str, sandbox: rt.PodSandboxStatus) -> None:
        hook = start.container.lifecycle.postStart if start.container.lifecycle else None
        if hook is None or self._node.runtime.simulated:
            return
        if hook.sleep:
            await self._node.clock.sleep(float(hook.sleep.seconds))
            return
        ip = self._ip(pod, sandbox)
        try:
            outcome = await run_handler(hook, Target(start.container, id_, ip), self._node.runtime, 120.0, HOOK_AGENT)
        except HandlerError as error:
            outcome = Outcome(False, str(error))
        if outcome.success:
            return
        about = container_reference(pod, start.container.name, start.role)
        self._node.recorder.event(about, "Warning", "FailedPostStartHook", f"PostStartHook failed: {outcome.output}")
        await self.stop_container(pod, start.container, id_, self.grace(pod), "FailedPostStartHook", sandbox)
        raise StartError("PostStartHookError", outcome.output)

    def _ip(self, pod: Pod, sandbox: rt.PodSandboxStatus | None) -> str:
        if sandbox and sandbox.ips:
            return sandbox.ips[0]
        ips = self._node.facts().ips
        return ips[0] if ips else ""

    @staticmethod
    def grace(pod: Pod) -> float:
        """The pod's grace period in seconds: that of its deletion once it is being deleted."""
        for seconds in (pod.metadata.deletionGracePeriodSeconds, pod.spec.terminationGracePeriodSeconds):
            if seconds is not None:
                return float(seconds)
        return float(DEFAULT_GRACE)

    async def stop_container(
        self,
        pod: Pod,
        container: Container | None,
        id_: str,
        grace: float,
        message: str,
        sandbox: rt.PodSandboxStatus | None,
    ) -> None:
        """preStop hook, then the stop signal, then a kill when the grace period is over."""
        node = self._node
        if container is not None:
            node.recorder.event(container_reference(pod, container.name), "Normal", "Killing", message)
            grace -= await self._pre_stop(pod, container, id_, grace, sandbox)
        await node.runtime.stop_container(id_, max(_MIN_GRACE, round(grace)))

    async def _pre_stop(
        self, pod: Pod, container: Container, id_: str, grace: float, sandbox: rt.PodSandboxStatus | None
    ) -> float:
        """Run the preStop hook within the grace period; the seconds that it took."""
        hook = container.lifecycle.preStop if container.lifecycle else None
        if hook is None or grace <= 0 or self._node.runtime.simulated:
            return 0.0
        clock = self._node.clock
        began = clock.monotonic()
        if hook.sleep:
            await clock.sleep(min(float(hook.sleep.seconds), grace))
            return clock.monotonic() - began
        target = Target(container, id_, self._ip(pod, sandbox))
        try:
            outcome = await run_handler(hook, target, self._node.runtime, grace, HOOK_AGENT)
        except HandlerError as error:
            outcome = Outcome(False, str(error))
        if not outcome.success:
            about = container_reference(pod, container.name)
            self._node.recorder.event(about, "Warning", "FailedPreStopHook", f"PreStopHook failed: {outcome.output}")
        return clock.monotonic() - began

    async def stop_sandboxes(self, state: PodState) -> None:
        for sandbox in state.sandboxes:
            await self._node.runtime.stop_pod_sandbox(sandbox.id)

    async def remove_everything(self, state: PodState) -> None:
        """Forget the pod in the runtime: containers, then sandboxes."""
        for container in state.containers:
            await self._node.runtime.remove_container(container.id)
        for sandbox in state.sandboxes:
            await self._node.runtime.stop_pod_sandbox(sandbox.id)
            await self._node.runtime.remove_pod_sandbox(sandbox.id)

    async def remove_old(self, state: PodState) -> None:
        """Keep the last dead run of each container for `logs --previous`; remove earlier ones and dead sandboxes."""
        kept: dict[str, int] = {}
        for container in state.containers:
            kept[container.name] = kept.get(container.name, 0) + 1
            if kept[container.name] > 2 and container.state is not rt.ContainerState.RUNNING:
                await self._node.runtime.remove_container(container.id)
                self._remove_log(container)
        for sandbox in state.sandboxes[1:]:
            if sandbox.state is rt.SandboxState.NOT_READY and sandbox.id not in state.sandbox_of.values():
                await self._node.runtime.remove_pod_sandbox(sandbox.id)

    @staticmethod
    def _remove_log(container: rt.ContainerStatus) -> None:
        if container.log_path:
            Path(container.log_path).unlink(missing_ok=True)
