"""The node, its pods and their containers with what each has used, at the moment somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.accounting import Accounts, Interface, Usage, interfaces
from steersman.kubelet.cgroups import pod_path
from steersman.kubelet.pod_state import POD_UID
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import Container, ContainerState, PodSandbox, SandboxState


@dataclass(frozen=True, slots=True)
class ContainerUse:
    """A running container; `path` is its control group's."""

    container: Container
    path: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class PodUse:
    """A pod with a sandbox that runs. `own` is what the sandbox itself uses, and `network` its interfaces: both are empty in
    brief, and the interfaces for pods in the node's own network."""

    pod: Pod
    sandbox: PodSandbox
    path: str
    usage: Usage
    containers: Sequence[ContainerUse]
    network: Sequence[Interface] = ()
    own: Usage | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """`at` is in seconds since the epoch. `folders` are the control groups that are above the pods', by their path."""

    at: float
    node: Usage
    pods: Sequence[PodUse]
    folders: Mapping[str, Usage] = field(default_factory=dict)
    network: Sequence[Interface] = ()


async def observe(
    runtime: Runtime, accounts: Accounts, pods: Iterable[Pod], root: str, at: float, *, brief: bool = False
) -> Observation:
    """`pods` are those that the node knows, `root` is the control group above theirs; `brief` is processor and memory only.

    Raises RuntimeCallError.
    """
    sandboxes, containers = await asyncio.gather(
        runtime.list_pod_sandboxes(state=SandboxState.READY), runtime.list_containers(state=ContainerState.RUNNING)
    )
    known = {pod.metadata.uid: pod for pod in pods}
    return await asyncio.to_thread(_read, accounts, known, sandboxes, containers, root, at, brief)


def _read(
    accounts: Accounts,
    known: Mapping[str, Pod],
    sandboxes: Iterable[PodSandbox],
    containers: Iterable[Container],
    root: str,
    at: float,
    brief: bool,
) -> Observation:
    by_pod: dict[str, list[Container]] = {}
    for container in containers:
        by_pod.setdefault(container.labels.get(POD_UID, ""), []).append(container)
    # Of several sandboxes of a pod, the newest is the pod's.
    newest = {sandbox.uid: sandbox for sandbox in sorted(sandboxes, key=lambda s: (s.attempt, s.created_at))}
    found = []
    for uid, sandbox in sorted(newest.items(), key=lambda item: (item[1].namespace, item[1].name)):
        pod = known.get(uid)
        path = pod_path(root, pod) if pod else ""
        usage = accounts.read(path, brief=brief) if path else None
        if pod is None or usage is None:
            # It comes or goes at this moment.
            continue
        inside = _containers(accounts, path, by_pod.get(uid, ()), brief)
        network = [] if brief or pod.spec.hostNetwork else _network(accounts, f"{path}/{sandbox.id}")
        own = None if brief else accounts.read(f"{path}/{sandbox.id}")
        found.append(PodUse(pod, sandbox, path, usage, inside, network, own))
    folders = {path: accounts.read(path, brief=brief) for path in _folders(root)}
    return Observation(
        at,
        accounts.read("/", brief=brief) or Usage(),
        found,
        {path: usage for path, usage in folders.items() if usage is not None},
        [] if brief else interfaces("self"),
    )


def _containers(accounts: Accounts, pod: str, containers: Iterable[Container], brief: bool) -> list[ContainerUse]:
    found = []
    for container in sorted(containers, key=lambda c: c.name):
        path = f"{pod}/{container.id}"
        usage = accounts.read(path, brief=brief)
        if usage is not None:
            found.append(ContainerUse(container, path, usage))
    return found


def _network(accounts: Accounts, sandbox: str) -> list[Interface]:
    """The interfaces of the sandbox's process are those of the whole pod."""
    return next((interfaces(pid) for pid in accounts.processes(sandbox) if pid), [])


def _folders(root: str) -> list[str]:
    base = root.rstrip("/")
    return [base, f"{base}/burstable", f"{base}/besteffort"]
