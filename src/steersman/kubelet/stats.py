"""The stats summary (`/stats/summary`): CPU and memory of the node's pods, as metrics-server reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from steersman.api.meta import format_time
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.pod_state import POD_NAME, POD_NAMESPACE, POD_UID
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import ContainerStats


async def summary(kubelet: Kubelet, runtime: Runtime) -> dict[str, Any]:
    """stats.k8s.io's Summary as plain values; times in RFC 3339, CPU in nanocores, memory in bytes."""
    pods: dict[str, dict[str, Any]] = {}
    for stats in await runtime.list_container_stats():
        uid = stats.labels.get(POD_UID, "")
        pod = pods.setdefault(
            uid,
            {
                "podRef": {
                    "name": stats.labels.get(POD_NAME, ""),
                    "namespace": stats.labels.get(POD_NAMESPACE, ""),
                    "uid": uid,
                },
                "containers": [],
            },
        )
        pod["containers"].append(_container(stats))
    for pod in pods.values():
        pod["cpu"] = _total(pod["containers"], "cpu", ("usageNanoCores", "usageCoreNanoSeconds"))
        pod["memory"] = _total(pod["containers"], "memory", ("workingSetBytes", "usageBytes", "rssBytes"))
    return {"node": {"nodeName": kubelet.settings.name}, "pods": list(pods.values())}


def _container(stats: ContainerStats) -> dict[str, Any]:
    return {
        "name": stats.name,
        "cpu": {
            "time": _time(stats.cpu.timestamp),
            "usageNanoCores": stats.cpu.usage_nanocores,
            "usageCoreNanoSeconds": stats.cpu.usage_core_nanoseconds,
        },
        "memory": {
            "time": _time(stats.memory.timestamp),
            "workingSetBytes": stats.memory.working_set_bytes,
            "usageBytes": stats.memory.usage_bytes,
            "rssBytes": stats.memory.rss_bytes,
        },
    }


def _total(containers: list[dict[str, Any]], part: str, fields: tuple[str, ...]) -> dict[str, Any]:
    return {
        "time": max((c[part]["time"] for c in containers), default=""),
        **{field: sum(c[part][field] for c in containers) for field in fields},
    }


def _time(nanoseconds: int) -> str:
    return format_time(datetime.fromtimestamp(nanoseconds / 1e9, UTC))
