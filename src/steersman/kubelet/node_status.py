"""The node's own object: what it registers with, and the status it reports. Plain functions over a snapshot of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from steersman.api import quantity
from steersman.api.meta import format_time
from steersman.api.version import KUBERNETES
from steersman.kinds.core.node_labels import ARCH, HOSTNAME, OS
from steersman.kinds.types.core_v1 import (
    ContainerImage,
    DaemonEndpoint,
    Node,
    NodeAddress,
    NodeCondition,
    NodeDaemonEndpoints,
    NodeSpec,
    NodeStatus,
    NodeSystemInfo,
)
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kubelet.runtime.types import Image, RuntimeStatus, RuntimeVersion
from steersman.kubelet.settings import NodeSettings

# A runtime may be away for so long (it is being restarted) before its node stops being ready. Containers go on without
# it, and a node that is not ready takes all its pods out of service at once.
RUNTIME_PATIENCE = 30.0
_MAX_IMAGES = 50


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts of the machine that do not change while the kubelet runs."""

    architecture: str
    kernel: str
    os_image: str
    machine_id: str
    system_uuid: str
    boot_id: str


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """What a status is computed from; `problem` is why the runtime does not answer, when it does not, and `silent_for` how
    many seconds it has not answered by now."""

    now: datetime
    machine: Machine
    version: RuntimeVersion | None
    runtime: RuntimeStatus | None
    images: Sequence[Image] = ()
    memory_available: int | None = None
    disk_available: int | None = None
    problem: str = ""
    silent_for: float = 0.0


def default_labels(settings: NodeSettings, machine: Machine) -> Mapping[str, str]:
    return {
        HOSTNAME: settings.name,
        OS: "linux",
        ARCH: machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": machine.architecture,
        **settings.labels,
    }


def new_node(settings: NodeSettings, snapshot: NodeSnapshot) -> Node:
    """The node as it registers itself."""
    spec = NodeSpec(podCIDR=settings.pod_cidr, podCIDRs=[settings.pod_cidr]) if settings.pod_cidr else NodeSpec()
    node = Node(
        metadata=ObjectMeta(name=settings.name, labels=dict(default_labels(settings, snapshot.machine))), spec=spec
    )
    node.status = compute_node_status(settings, snapshot, NodeStatus())
    return node


def compute_node_status(settings: NodeSettings, snapshot: NodeSnapshot, old: NodeStatus) -> NodeStatus:
    """The whole status. Resources that others put into the capacity (extended ones) are kept and offered."""
    extended = {name: amount for name, amount in (old.capacity or {}).items() if "/" in name}
    capacity = {**_capacity(settings), **extended}
    return NodeStatus(
        addresses=[
            *(NodeAddress(type="InternalIP", address=ip) for ip in settings.ips),
            NodeAddress(type="Hostname", address=settings.name),
        ],
        capacity=capacity,
        allocatable=dict(capacity),
        conditions=_conditions(settings, snapshot, old),
        daemonEndpoints=NodeDaemonEndpoints(kubeletEndpoint=DaemonEndpoint(Port=settings.server_port))
        if settings.server_port
        else None,
        nodeInfo=_info(snapshot, old),
        images=_images(snapshot, old),
        volumesInUse=old.volumesInUse,
        volumesAttached=old.volumesAttached,
    )


def _capacity(settings: NodeSettings) -> dict[str, quantity.Quantity]:
    capacity: dict[str, quantity.Quantity] = {
        "cpu": quantity.from_milli(round(settings.cpus * 1000)),
        "memory": f"{settings.memory // 1024}Ki",
        "pods": str(settings.max_pods),
    }
    if settings.disk:
        capacity["ephemeral-storage"] = f"{settings.disk // 1024}Ki"
    return capacity


def _images(snapshot: NodeSnapshot, old: NodeStatus) -> list[ContainerImage] | None:
    """The largest ones; those that are known already when the runtime cannot be asked."""
    if snapshot.problem:
        return old.images
    return [_image(i) for i in sorted(snapshot.images, key=lambda i: -i.size_bytes)[:_MAX_IMAGES]] or None


def _image(image: Image) -> ContainerImage:
    return ContainerImage(names=[*image.repo_digests, *image.repo_tags], sizeBytes=image.size_bytes)


def _info(snapshot: NodeSnapshot, old: NodeStatus) -> NodeSystemInfo:
    machine, version = snapshot.machine, snapshot.version
    before = old.nodeInfo.containerRuntimeVersion if old.nodeInfo else ""
    return NodeSystemInfo(
        architecture=machine.architecture,
        bootID=machine.boot_id,
        containerRuntimeVersion=f"{version.runtime_name}://{version.runtime_version}" if version else before,
        kernelVersion=machine.kernel,
        kubeProxyVersion="",
        kubeletVersion=KUBERNETES,
        machineID=machine.machine_id,
        operatingSystem="linux",
        osImage=machine.os_image,
        systemUUID=machine.system_uuid,
    )


def _conditions(settings: NodeSettings, snapshot: NodeSnapshot, old: NodeStatus) -> list[NodeCondition]:
    memory_low = snapshot.memory_available is not None and snapshot.memory_available < 100 * 2**20
    disk_low = (
        snapshot.disk_available is not None and settings.disk > 0 and snapshot.disk_available < settings.disk // 10
    )
    before = {c.type: c for c in old.conditions or []}
    wanted = [
        _pressure("MemoryPressure", memory_low, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory", "memory"),
        _pressure("DiskPressure", disk_low, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure", "disk"),
        _pressure("PIDPressure", False, "KubeletHasInsufficientPID", "KubeletHasSufficientPID", "PID"),
        _ready(snapshot, before.get("Ready")),
    ]
    stamp = format_time(snapshot.now)
    for condition in wanted:
        known = before.get(condition.type)
        same = known is not None and known.status == condition.status
        condition.lastHeartbeatTime = stamp
        condition.lastTransitionTime = known.lastTransitionTime if known and same else stamp
    own = {c.type for c in wanted}
    return wanted + [c for c in before.values() if c.type not in own]


_PRESSURE_WORDS = {
    "memory": ("kubelet has insufficient memory available", "kubelet has sufficient memory available"),
    "disk": ("kubelet has disk pressure", "kubelet has no disk pressure"),
    "PID": ("kubelet has insufficient PID available", "kubelet has sufficient PID available"),
}


def _pressure(type_: str, low: bool, bad: str, good: str, what: str) -> NodeCondition:
    words = _PRESSURE_WORDS[what]
    return NodeCondition(
        type=type_, status="True" if low else "False", reason=bad if low else good, message=words[0 if low else 1]
    )


def _ready(snapshot: NodeSnapshot, before: NodeCondition | None) -> NodeCondition:
    was_ready = before is not None and before.status == "True"
    told = snapshot.problem and not (was_ready and snapshot.silent_for < RUNTIME_PATIENCE)
    problems = [snapshot.problem] if told else []
    problems += [
        f"container runtime {c.type} not ready: {c.reason}: {c.message}"
        for c in (snapshot.runtime.conditions if snapshot.runtime else ())
        if not c.status
    ]
    if problems:
        return NodeCondition(type="Ready", status="False", reason="KubeletNotReady", message=f"[{', '.join(problems)}]")
    return NodeCondition(type="Ready", status="True", reason="KubeletReady", message="kubelet is posting ready status")


def worth_writing(old: NodeStatus, new: NodeStatus) -> bool:
    """Whether more than heartbeats changed."""
    return _without_heartbeats(old) != _without_heartbeats(new)


def _without_heartbeats(status: NodeStatus) -> tuple[object, ...]:
    conditions = [(c.type, c.status, c.reason, c.message) for c in status.conditions or []]
    return (
        status.addresses, status.capacity, status.allocatable, status.nodeInfo, status.images, status.daemonEndpoints,
        conditions,
    )  # fmt: skip
