"""What the workers of one node share: the runtime, the node's facts and the services around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from steersman.api.clock import Clock
from steersman.client.events import EventRecorder
from steersman.kinds.types.core_v1 import Pod, Service
from steersman.kubelet.cgroups import Cgroups
from steersman.kubelet.dns_config import ClusterDNS
from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.image_puller import ImagePuller
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.pleg import Pleg
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.status_manager import StatusManager
from steersman.kubelet.volumes.certificates import CertificateSource
from steersman.kubelet.volumes.manager import VolumeManager
from steersman.kubelet.volumes.payload import Objects, TokenSource


@dataclass(frozen=True, slots=True)
class NodeContext:
    """One node's shared parts. `cgroups` is None for simulated nodes, which have no processes to limit."""

    clock: Clock
    runtime: Runtime
    runtime_name: str
    pleg: Pleg
    instruments: Instruments
    recorder: EventRecorder
    status: StatusManager
    objects: Objects
    tokens: TokenSource
    certificates: CertificateSource
    puller: ImagePuller
    volumes: VolumeManager
    cgroups: Cgroups | None
    dns: ClusterDNS
    logs_dir: str
    node_memory: int
    facts: Callable[[], NodeFacts]
    services: Callable[[], Iterable[Service]]
    node_hosts: Callable[[], str]
    # Deletes the pod from the API once nothing of it is left on the node.
    delete_pod: Callable[[Pod], None]

    def pod_folder(self, uid: str) -> Path:
        return self.volumes.pod_folder(uid)
