"""What scheduling needs of a pod, computed once: requests, host ports, and its constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steersman.api import quantity
from steersman.kinds.types.core_v1 import Affinity, Container, NodeAffinity, Pod, Toleration

# A pod that asks for nothing still weighs something when nodes are compared; Kubernetes' figures.
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024

HostPort = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class PodInfo:
    """`requests` are whole units: CPU in thousandths, memory and storage in bytes, the rest as counted.

    `nonzero` is (CPU, memory) with the defaults for containers that name none.
    """

    pod: Pod
    requests: Mapping[str, int]
    nonzero: tuple[int, int]
    host_ports: frozenset[HostPort]

    @property
    def uid(self) -> str:
        return self.pod.metadata.uid

    @property
    def priority(self) -> int:
        return self.pod.spec.priority or 0

    @property
    def tolerations(self) -> list[Toleration]:
        return self.pod.spec.tolerations or []

    @property
    def node_affinity(self) -> NodeAffinity | None:
        affinity: Affinity | None = self.pod.spec.affinity
        return affinity.nodeAffinity if affinity else None

    @property
    def best_effort(self) -> bool:
        return not any(self.requests.get(name) for name in ("cpu", "memory"))


def amount(resource: str, value: quantity.Quantity) -> int:
    return quantity.milli(value) if resource == "cpu" else quantity.value(value)


def _requests(container: Container) -> dict[str, int]:
    given = (container.resources.requests or {}) if container.resources else {}
    return {name: amount(name, value) for name, value in given.items()}


def _with_defaults(requests: Mapping[str, int]) -> tuple[int, int]:
    return requests.get("cpu", DEFAULT_MILLI_CPU), requests.get("memory", DEFAULT_MEMORY)


def describe(pod: Pod) -> PodInfo:
    """A pod's needs: the sum of its containers and sidecars, or its greediest init step, plus the overhead (KEP-753)."""
    total: dict[str, int] = {}
    cpu = memory = 0
    for container in pod.spec.containers:
        requests = _requests(container)
        for name, value in requests.items():
            total[name] = total.get(name, 0) + value
        own = _with_defaults(requests)
        cpu, memory = cpu + own[0], memory + own[1]
    sidecars: dict[str, int] = {}
    side_cpu = side_memory = 0
    peak: dict[str, int] = {}
    peak_cpu = peak_memory = 0
    for container in pod.spec.initContainers or []:
        requests = _requests(container)
        own = _with_defaults(requests)
        if container.restartPolicy == "Always":
            for name, value in requests.items():
                sidecars[name] = sidecars.get(name, 0) + value
            side_cpu, side_memory = side_cpu + own[0], side_memory + own[1]
            step, step_cpu, step_memory = sidecars, side_cpu, side_memory
        else:
            step = {n: requests.get(n, 0) + sidecars.get(n, 0) for n in {**requests, **sidecars}}
            step_cpu, step_memory = own[0] + side_cpu, own[1] + side_memory
        for name, value in step.items():
            peak[name] = max(peak.get(name, 0), value)
        peak_cpu, peak_memory = max(peak_cpu, step_cpu), max(peak_memory, step_memory)
    for name in {**total, **sidecars, **peak}:
        total[name] = max(total.get(name, 0) + sidecars.get(name, 0), peak.get(name, 0))
    cpu, memory = max(cpu + side_cpu, peak_cpu), max(memory + side_memory, peak_memory)
    overhead = {name: amount(name, value) for name, value in (pod.spec.overhead or {}).items()}
    for name, value in overhead.items():
        total[name] = total.get(name, 0) + value
    nonzero = (cpu + overhead.get("cpu", 0), memory + overhead.get("memory", 0))
    return PodInfo(pod, total, nonzero, _host_ports(pod))


def _host_ports(pod: Pod) -> frozenset[HostPort]:
    return frozenset(
        (port.hostIP or "0.0.0.0", port.protocol or "TCP", port.hostPort)
        for container in [
            *pod.spec.containers,
            *(c for c in pod.spec.initContainers or [] if c.restartPolicy == "Always"),
        ]
        for port in container.ports or []
        if port.hostPort
    )
