"""Turns a container's requests and limits into the runtime's cgroup settings, and a pod's into those of its own cgroup.

The arithmetic is Kubernetes' for cgroup v1 shares and quotas; runtimes translate it for cgroup v2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.api import quantity
from steersman.kinds.core import pod_resources as pod_amounts
from steersman.kinds.types.core_v1 import Container, Pod
from steersman.kubelet.runtime.types import LinuxResources

QUOTA_PERIOD = 100_000  # microseconds
MIN_QUOTA = 1_000
MIN_SHARES = 2
MAX_SHARES = 262_144
_SHARES_PER_CPU = 1024

# How likely the kernel kills a container when memory runs out; Kubernetes' qos policy.
_OOM_GUARANTEED = -997
_OOM_BEST_EFFORT = 1000
_OOM_CRITICAL = -997

Amounts = Mapping[str, Any]


def cpu_shares(milli: int) -> int:
    """CPU weight for a request in thousandths of a core."""
    if milli == 0:
        return MIN_SHARES
    return min(max(milli * _SHARES_PER_CPU // 1000, MIN_SHARES), MAX_SHARES)


def cpu_quota(milli: int, period: int = QUOTA_PERIOD) -> int:
    """Microseconds of CPU per period for a limit; 0 means none."""
    if milli == 0:
        return 0
    return max(milli * period // 1000, MIN_QUOTA)


def _milli_cpu(amounts: Amounts) -> int:
    return quantity.milli(amounts["cpu"]) if "cpu" in amounts else 0


def _memory(amounts: Amounts) -> int:
    return quantity.value(amounts["memory"]) if "memory" in amounts else 0


def requests_of(container: Container) -> Amounts:
    return (container.resources.requests or {}) if container.resources else {}


def limits_of(container: Container) -> Amounts:
    return (container.resources.limits or {}) if container.resources else {}


def oom_score_adj(pod: Pod, container: Container, node_memory: int) -> int:
    """Lower for those that asked for much of the node's memory, so that the smallest promise dies first."""
    if pod.spec.priority is not None and pod.spec.priority >= 2_000_000_000:
        return _OOM_CRITICAL
    match pod.status.qosClass:
        case "Guaranteed":
            return _OOM_GUARANTEED
        case "BestEffort":
            return _OOM_BEST_EFFORT
    requested = _memory(requests_of(container))
    score = 1000 - (1000 * requested // node_memory if node_memory else 0)
    if score < 1000 + _OOM_GUARANTEED:
        return 1000 + _OOM_GUARANTEED
    return _OOM_BEST_EFFORT - 1 if score == _OOM_BEST_EFFORT else score


def container_resources(pod: Pod, container: Container, node_memory: int) -> LinuxResources:
    """What the runtime enforces on one container. A limit without a request counts as the request, too."""
    requests, limits = requests_of(container), limits_of(container)
    request = requests if "cpu" in requests or "cpu" not in limits else limits
    hugepages = {
        name.removeprefix("hugepages-").replace("i", "B"): quantity.value(amount)
        for name, amount in limits.items()
        if name.startswith("hugepages-")
    }
    return LinuxResources(
        cpu_period=QUOTA_PERIOD,
        cpu_quota=cpu_quota(_milli_cpu(limits)),
        cpu_shares=cpu_shares(_milli_cpu(request)),
        memory_limit_in_bytes=_memory(limits),
        oom_score_adj=oom_score_adj(pod, container, node_memory),
        hugepage_limits=hugepages,
    )


def pod_resources(pod: Pod) -> LinuxResources:
    """The pod's cgroup; it is limited only if every container is, or the pod as a whole."""
    requests, limits = pod_requests(pod), pod_limits(pod)
    own = pod.spec.resources.limits if pod.spec.resources else None
    everyone = [limits_of(c) for c in [*pod.spec.containers, *(pod.spec.initContainers or [])]]

    def limit(name: str) -> int:
        declared = name in (own or {}) or all(quantity.nano(amounts.get(name, "0")) for amounts in everyone)
        return limits.get(name, 0) if declared else 0

    return LinuxResources(
        cpu_period=QUOTA_PERIOD,
        cpu_quota=cpu_quota(limit("cpu")),
        cpu_shares=cpu_shares(requests.get("cpu", 0)),
        memory_limit_in_bytes=limit("memory") // 1000,
    )


def pod_requests(pod: Pod) -> dict[str, int]:
    """What the pod asks for in thousandths of a unit."""
    return _thousandths(pod_amounts.with_overhead(pod, pod_amounts.requests(pod)))


def pod_limits(pod: Pod) -> dict[str, int]:
    """The sum of the limits that there are, in thousandths of a unit; the overhead comes on top where there is a limit."""
    return _thousandths(pod_amounts.with_overhead(pod, pod_amounts.limits(pod), limit=True))


def _thousandths(amounts: Amounts) -> dict[str, int]:
    return {name: quantity.milli(amount) for name, amount in amounts.items()}
