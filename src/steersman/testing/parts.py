"""The parts beside the API server as coroutines over one client: what each needs is imported when it is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.client.rest import Client

if TYPE_CHECKING:
    from steersman.controller.config import ControllerConfig
    from steersman.controller.declaration import Controller
    from steersman.kubelet.simulation import SimulatedNodes, Simulation

NODE_PREFIX = "node"


def load(*, controllers: bool, scheduler: bool, nodes: bool) -> None:
    """Import what a cluster of these parts needs, all at once."""
    names = ["steersman.kinds.catalog"]
    if controllers:
        names += ["steersman.controller.manager", "steersman.controllers"]
    if scheduler:
        names += ["steersman.scheduler.scheduler"]
    if nodes:
        names += ["steersman.kubelet.simulation"]
    for name in names:
        import_module(name)


def controllers(wanted: bool | Iterable[str]) -> Sequence[Controller]:
    """The controllers of those names, or all, or none. ValueError for a name that there is not."""
    if not wanted:
        return ()
    from steersman import controllers as package
    from steersman.controller.discovery import discover

    known = {controller.name: controller for controller in discover(package)}
    if wanted is True:
        return tuple(known.values())
    names = tuple(wanted)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no controller is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]


async def run_controllers(
    client: Client,
    client_as: Callable[[str], Client],
    clock: Clock,
    chosen: Sequence[Controller],
    config: ControllerConfig | None,
    sign_token: Callable[[Mapping[str, Any]], str],
    root_ca: str,
) -> None:
    """`client` is the controller manager's, `client_as` makes those of service accounts. `root_ca` is the authority that a server on a socket has its certificate from; it counts without a `config`."""
    from steersman.controller.config import ControllerConfig
    from steersman.controller.manager import Manager

    settings = replace(config or ControllerConfig(root_ca=root_ca), sign_token=sign_token)
    await Manager(client, chosen, clock, settings, client_as=client_as).run()


async def run_scheduler(client: Client, clock: Clock) -> None:
    from steersman.client.events import EventRecorder
    from steersman.client.informer import Informer
    from steersman.kinds.types.core_v1 import Node, Pod
    from steersman.scheduler.scheduler import Scheduler

    recorder = EventRecorder(client, clock, "default-scheduler")
    pods, nodes = Informer(client, Pod, clock), Informer(client, Node, clock)
    async with asyncio.TaskGroup() as group:
        for part in (recorder, pods, nodes, Scheduler(client, clock, recorder, pods, nodes)):
            group.create_task(part.run())


def simulation(nodes: int | SimulatedNodes, client: Client, clock: Clock) -> Simulation | None:
    """The simulated nodes, still to be run; None for none."""
    if not nodes:
        return None
    from steersman.kubelet.simulation import SimulatedNodes, Simulation

    return Simulation(SimulatedNodes(nodes, NODE_PREFIX) if isinstance(nodes, int) else nodes, client, clock)
