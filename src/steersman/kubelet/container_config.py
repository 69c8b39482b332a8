"""Sandbox and container configurations for the runtime, from a pod and what its volumes and environment came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steersman.kinds.types.core_v1 import Container, Pod
from steersman.kubelet import pod_state
from steersman.kubelet.dns_config import hostname_of
from steersman.kubelet.expansion import expand
from steersman.kubelet.pod_plan import Role, container_hash
from steersman.kubelet.runtime import types as rt
from steersman.kubelet.security import container_security, sandbox_security
from steersman.kubelet.sysctls import dotted

_PROPAGATION = {
    "": rt.MountPropagation.PRIVATE,
    "None": rt.MountPropagation.PRIVATE,
    "HostToContainer": rt.MountPropagation.HOST_TO_CONTAINER,
    "Bidirectional": rt.MountPropagation.BIDIRECTIONAL,
}
DEFAULT_GRACE = 30


def log_directory(root: str, pod: Pod) -> str:
    """Where the runtime writes the logs of the pod's containers."""
    meta = pod.metadata
    return f"{root}/{meta.namespace}_{meta.name}_{meta.uid}"


def log_path(container: str, attempt: int) -> str:
    """The log of one run of a container, relative to the pod's log directory."""
    return f"{container}/{attempt}.log"


def pod_labels(pod: Pod) -> Mapping[str, str]:
    meta = pod.metadata
    return {pod_state.POD_NAME: meta.name, pod_state.POD_NAMESPACE: meta.namespace, pod_state.POD_UID: meta.uid}


def sandbox_config(
    pod: Pod, attempt: int, dns: rt.DNSConfig, logs: str, cgroup: str, resources: rt.LinuxResources
) -> rt.PodSandboxConfig:
    meta = pod.metadata
    context = pod.spec.securityContext
    return rt.PodSandboxConfig(
        name=meta.name,
        uid=meta.uid,
        namespace=meta.namespace,
        attempt=attempt,
        hostname="" if pod.spec.hostNetwork else hostname_of(pod),
        log_directory=logs,
        dns=dns,
        labels={**(meta.labels or {}), **pod_labels(pod)},
        annotations=dict(meta.annotations or {}),
        cgroup_parent=cgroup,
        sysctls={dotted(s.name): s.value for s in (context.sysctls if context else None) or []},
        security=sandbox_security(pod),
        resources=resources,
    )


def container_config(
    pod: Pod,
    container: Container,
    *,
    role: Role,
    attempt: int,
    image: rt.Image,
    env: Sequence[tuple[str, str]],
    mounts: Sequence[rt.Mount],
    resources: rt.LinuxResources,
) -> rt.ContainerConfig:
    """One container; commands and arguments have their references expanded. Raises ConfigError."""
    values = dict(env)
    grace = pod.spec.terminationGracePeriodSeconds
    return rt.ContainerConfig(
        name=container.name,
        attempt=attempt,
        image=image.id,
        user_specified_image=container.image or "",
        command=[expand(word, values) for word in container.command or []],
        args=[expand(word, values) for word in container.args or []],
        working_dir=container.workingDir,
        envs=tuple(env),
        mounts=tuple(mounts),
        labels={**pod_labels(pod), pod_state.CONTAINER_NAME: container.name},
        annotations={
            pod_state.CONTAINER_HASH: container_hash(container),
            pod_state.TERMINATION_MESSAGE_PATH: container.terminationMessagePath,
            pod_state.TERMINATION_MESSAGE_POLICY: container.terminationMessagePolicy,
            pod_state.TERMINATION_GRACE_PERIOD: str(DEFAULT_GRACE if grace is None else grace),
        },
        log_path=log_path(container.name, attempt),
        stdin=bool(container.stdin),
        stdin_once=bool(container.stdinOnce),
        tty=bool(container.tty),
        resources=resources,
        security=container_security(pod, container, image),
        run_to_completion=role is Role.INIT or (role is Role.MAIN and pod.spec.restartPolicy in ("Never", "OnFailure")),
    )


def propagation(name: str) -> rt.MountPropagation:
    return _PROPAGATION[name]
