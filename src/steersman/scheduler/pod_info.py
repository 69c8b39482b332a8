"""What scheduling needs of a pod, computed once: requests, host ports, and its constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steersman.api import quantity
from steersman.api.quantity import Quantity
from steersman.kinds.core import host_ports, pod_resources
from steersman.kinds.core.host_ports import HostPort
from steersman.kinds.types.core_v1 import Affinity, NodeAffinity, Pod, Toleration

# A pod that asks for nothing still weighs something when nodes are compared; Kubernetes' figures.
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024 * 1024
_DEFAULTS = {"cpu": f"{DEFAULT_MILLI_CPU}m", "memory": str(DEFAULT_MEMORY)}


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


def amount(resource: str, value: Quantity) -> int:
    return quantity.milli(value) if resource == "cpu" else quantity.value(value)


def describe(pod: Pod) -> PodInfo:
    """A pod's needs: those of its containers or of the pod as a whole, plus the overhead."""
    nonzero = _needs(pod, _DEFAULTS)
    return PodInfo(pod, _needs(pod, {}), (nonzero["cpu"], nonzero["memory"]), host_ports.of(pod))


def _needs(pod: Pod, missing: Mapping[str, Quantity]) -> dict[str, int]:
    requests = pod_resources.requests(pod, live=True, missing=missing)
    return {name: amount(name, value) for name, value in pod_resources.with_overhead(pod, requests).items()}
