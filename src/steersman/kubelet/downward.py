"""The downward API: what a pod may read of itself, by field path and by resource."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from steersman.api import quantity
from steersman.kinds.types.core_v1 import Container, ObjectFieldSelector, Pod, ResourceFieldSelector
from steersman.kubelet.resources import limits_of, requests_of

_SUBSCRIPT = re.compile(r"^(metadata\.(?:labels|annotations))\['(.+)'\]$")


class DownwardError(ValueError):
    """A field path or resource that the downward API does not have."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What of the node shows in a pod: its name, its addresses and what may be allocated on it."""

    name: str
    ips: tuple[str, ...] = ()
    allocatable: Mapping[str, str] | None = None


def field_value(pod: Pod, selector: ObjectFieldSelector, node: NodeFacts, pod_ips: tuple[str, ...]) -> str:
    """The value of a fieldRef; raises DownwardError for a path that is not supported."""
    path = selector.fieldPath
    match = _SUBSCRIPT.match(path)
    if match:
        values = pod.metadata.labels if match[1] == "metadata.labels" else pod.metadata.annotations
        return (values or {}).get(match[2], "")
    host_ip = node.ips[0] if node.ips else ""
    simple: Mapping[str, str] = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": pod.metadata.uid,
        "metadata.labels": format_map(pod.metadata.labels or {}),
        "metadata.annotations": format_map(pod.metadata.annotations or {}),
        "spec.nodeName": pod.spec.nodeName,
        "spec.serviceAccountName": pod.spec.serviceAccountName,
        "status.hostIP": host_ip,
        "status.hostIPs": ",".join(node.ips),
        "status.podIP": pod_ips[0] if pod_ips else "",
        "status.podIPs": ",".join(pod_ips),
    }
    if path not in simple:
        raise DownwardError(f"unsupported fieldPath: {path}")
    return simple[path]


def format_map(values: Mapping[str, str]) -> str:
    """Labels or annotations as a file has them: `key="value"` lines by key, values quoted with escapes."""
    return "\n".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(values.items()))


def resource_value(container: Container, selector: ResourceFieldSelector, node: NodeFacts) -> str:
    """The value of a resourceFieldRef in units of its divisor, rounded up. Without a limit the node's allocatable counts."""
    kind, _, name = selector.resource.partition(".")
    source = {"limits": limits_of, "requests": requests_of}.get(kind)
    if source is None or not name:
        raise DownwardError(f"unsupported container resource : {selector.resource}")
    amounts = source(container)
    amount = amounts.get(name)
    if amount is None and name in ("cpu", "memory", "ephemeral-storage"):
        amount = (node.allocatable or {}).get(name) if kind == "limits" else limits_of(container).get(name, "0")
    divisor = selector.divisor or "1"
    if quantity.nano(divisor) == 0:
        divisor = "1"
    return str(-(-quantity.nano(amount or "0") // quantity.nano(divisor)))


def container_named(pod: Pod, name: str) -> Container:
    """The container that a resourceFieldRef in a volume names."""
    for container in [*pod.spec.containers, *(pod.spec.initContainers or [])]:
        if container.name == name:
            return container
    raise DownwardError(f"container {name} not found")
