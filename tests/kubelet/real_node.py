"""A kubelet over a real containerd and a real API server, for tests of what it makes of pods."""

import asyncio

import pytest

from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.kinds.types.core_v1 import Event, Pod, Service
from steersman.kubelet import machine
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.logs import LogOptions, read_logs
from steersman.kubelet.pod_source import NodePods
from steersman.kubelet.settings import NodeSettings

IMAGE = "docker.io/library/steersman-test:1"
# Nothing that is waited for takes as long, however busy the machine is.
WAIT = 120
# Runs until it is told to stop: the first process of a container gets no signal that it does not ask for.
RUN = "trap 'exit 0' TERM; while true; do sleep 0.1; done"


class RealNode:
    """`create` makes pods of shell scripts; `logs` reads them; `kubelet` can be stopped and started again."""

    def __init__(self, cluster, runtime, node, root):
        self.cluster, self.client, self.runtime, self.root = cluster, cluster.client, runtime, root
        self.settings = NodeSettings(
            name="real",
            ips=("127.0.0.1",),
            root=node.kubelets / root.name,
            pod_logs=str(root / "logs"),
            cgroup_root=f"{node.cgroup}/kubepods",
            cpus=2,
            memory=2**30,
            cluster_dns=("10.96.0.10",),
            allowed_unsafe_sysctls=("kernel.msg*",),
        )
        self._task = None

    def start(self):
        client, clock = self.client, self.cluster.clock
        recorder = EventRecorder(client, clock, "kubelet", "real")
        pods = Informer(client, Pod, clock, fields="spec.nodeName=real", verify=True)
        services = Informer(client, Service, clock)
        self.kubelet = Kubelet(
            self.settings, client, self.runtime, clock, machine.read_machine(), NodePods(pods), services.items, recorder
        )

        async def run():
            async with asyncio.TaskGroup() as group:
                for part in (recorder, pods, services, self.kubelet):
                    group.create_task(part.run())

        self._task = asyncio.ensure_future(run())

    async def stop(self):
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task

    async def until(self, condition):
        """For what the API does not show."""
        async with asyncio.timeout(WAIT):
            while not condition():
                await self.cluster.clock.sleep(0.02)

    async def create(self, name, script, container=None, meta=None, **spec):
        made = {"name": "c", "image": IMAGE, "command": ["/bin/sh", "-c", script], **(container or {})}
        plain = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, **(meta or {})},
            "spec": {"containers": [made], "nodeName": "real", "terminationGracePeriodSeconds": 1, **spec},
        }
        return (await self.cluster.create(plain))[0]

    async def wait(self, name, condition):
        return await self.cluster.wait(Pod, name, condition, timeout=WAIT)

    async def ended(self, name):
        """The pod once it has come to an end, and its only container's end."""
        found = await self.wait(name, lambda p: p.status.phase in ("Succeeded", "Failed"))
        return found, found.status.containerStatuses[0].state.terminated

    async def logs(self, name, attempt=0, container="c"):
        pod = await self.client.get(Pod, name, "default")
        path = f"{self.settings.pod_logs}/default_{name}_{pod.metadata.uid}/{container}/{attempt}.log"

        async def dead():
            return False

        chunks = [c async for c in read_logs(path, LogOptions(), self.cluster.clock, dead)]
        return b"".join(chunks).decode()

    async def output(self, name, script, **spec):
        """What a pod that runs the script to its end has written."""
        await self.create(name, script, restartPolicy="Never", **spec)
        await self.ended(name)
        return await self.logs(name)

    async def reasons(self, name):
        found = (await self.client.list(Event, "default")).items
        return [e.reason for e in found if e.involvedObject.name == name]
