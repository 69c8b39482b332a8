"""What scheduling needs of a pod, computed once: requests, host ports, and its constraints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def _with_defaults(container: Container) -> dict[str, int]:
    requests = _requests(container)
    return {"cpu": requests.get("cpu", DEFAULT_MILLI_CPU), "memory": requests.get("memory", DEFAULT_MEMORY)}


def describe(pod: Pod) -> PodInfo:
    """A pod's needs: those of its containers or of the pod as a whole, plus the overhead."""
    total, nonzero = _aggregate(pod, _requests), _aggregate(pod, _with_defaults)
    resources = pod.spec.resources
    for name, value in ((resources.requests or {}) if resources else {}).items():
        if name in ("cpu", "memory") or name.startswith("hugepages-"):
            total[name] = nonzero[name] = amount(name, value)
    for name, value in (pod.spec.overhead or {}).items():
        total[name] = total.get(name, 0) + amount(name, value)
        nonzero[name] = nonzero.get(name, 0) + amount(name, value)
    return PodInfo(pod, total, (nonzero["cpu"], nonzero["memory"]), _host_ports(pod))


def _aggregate(pod: Pod, needs: Callable[[Container], Mapping[str, int]]) -> dict[str, int]:
    """What the containers and sidecars need together, or what the greediest step of initialization does (KEP-753)."""
    total: dict[str, int] = {}
    for container in pod.spec.containers:
        _add(total, needs(container))
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in pod.spec.initContainers or []:
        step = dict(sidecars)
        _add(step, needs(container))
        if container.restartPolicy == "Always":
            sidecars = step
        _raise(peak, step)
    _add(total, sidecars)
    _raise(total, peak)
    return total


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _raise(total: dict[str, int], floor: Mapping[str, int]) -> None:
    for name, value in floor.items():
        total[name] = max(total.get(name, 0), value)


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
