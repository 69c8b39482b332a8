"""The scheduler's process."""

import asyncio
import os
import socket
import sys

from steersman.api.clock import RealClock
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.client.leaderelection import Election, LeaderElector
from steersman.cmd.config import SchedulerConfig
from steersman.cmd.parts.connect import connected
from steersman.cmd.parts.process import Started, main
from steersman.kinds.types.core_v1 import Node, Pod
from steersman.scheduler.scheduler import Scheduler


async def run(config: SchedulerConfig, started: Started) -> None:
    """Place pods until cancelled, or until another process took the lead."""
    clock = RealClock()
    async with connected(config.kubeconfig, clock, "scheduler") as client, asyncio.TaskGroup() as tasks:
        recorder = EventRecorder(client, clock, config.scheduler_name)
        pods, nodes = Informer(client, Pod, clock), Informer(client, Node, clock)
        scheduler = Scheduler(client, clock, recorder, pods, nodes, config.scheduler_name)
        tasks.create_task(recorder.run())
        tasks.create_task(pods.run())
        tasks.create_task(nodes.run())
        await nodes.wait_synced()
        await pods.wait_synced()
        started()
        if config.leader_elect:
            election = Election("kube-system", "kube-scheduler", f"{socket.gethostname()}_{os.getpid()}")
            await LeaderElector(client, clock, election).run(scheduler.run)
        else:
            await scheduler.run()


if __name__ == "__main__":
    sys.exit(main(run, SchedulerConfig))
