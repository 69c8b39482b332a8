"""Simulated nodes: any number of kubelets over the fake runtime in one process, behind one watch of the pods."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from steersman.api.clock import Clock
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.node_status import Machine
from steersman.kubelet.pod_source import SharedPods
from steersman.kubelet.runtime.fake import FakeRuntime
from steersman.kubelet.settings import NodeSettings

_MACHINE = Machine(
    architecture="amd64", kernel="simulated", os_image="Simulated", machine_id="", system_uuid="", boot_id=""
)
GIB = 2**30


@dataclass(frozen=True, slots=True)
class SimulatedNodes:
    """What the simulated nodes look like; they are named `<prefix>-<number>`, from 0."""

    count: int
    prefix: str = "sim"
    cpus: float = 32
    memory: int = 256 * GIB
    max_pods: int = 110


def node_settings(nodes: SimulatedNodes, number: int) -> NodeSettings:
    """Node `number`, with an address and a pod range that no real machine has (RFC 2544's 198.18.0.0/15, RFC 6598)."""
    high, low = divmod(number, 250)
    return NodeSettings(
        name=f"{nodes.prefix}-{number}",
        ips=(f"198.18.{high % 256}.{low + 1}",),
        labels={"steersman.dev/simulated": "true"},
        pod_cidr=f"100.{64 + number // 256 % 64}.{number % 256}.0/24",
        cpus=nodes.cpus,
        memory=nodes.memory,
        disk=512 * GIB,
        max_pods=nodes.max_pods,
    )


class Simulation:
    """Runs all simulated nodes until cancelled; `ready` is set once every node has registered."""

    def __init__(self, nodes: SimulatedNodes, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._informer: Informer[Pod] = Informer(client, Pod, clock)
        self._recorder = EventRecorder(client, clock, "kubelet")
        self._instruments = Instruments(clock)
        shared = SharedPods(self._informer)
        self.kubelets: Sequence[Kubelet] = [
            self._kubelet(node_settings(nodes, number), shared) for number in range(nodes.count)
        ]

    def _kubelet(self, settings: NodeSettings, shared: SharedPods) -> Kubelet:
        runtime = FakeRuntime(self._clock, settings.pod_cidr, node=settings.name)
        return Kubelet(
            settings,
            self._client,
            runtime,
            self._clock,
            _MACHINE,
            shared.for_node(settings.name),
            services=tuple,
            recorder=self._recorder,
            instruments=self._instruments,
        )

    async def wait_ready(self) -> None:
        for kubelet in self.kubelets:
            await kubelet.registered.wait()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._informer.run())
            group.create_task(self._recorder.run())
            for kubelet in self.kubelets:
                group.create_task(kubelet.run())
