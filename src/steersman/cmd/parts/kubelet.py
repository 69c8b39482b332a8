"""The node agent's process: one real node, or a crowd of simulated ones."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from steersman.api.clock import Clock, RealClock
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.cmd.config import KubeletConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.connect import connected
from steersman.cmd.parts.process import Started, main
from steersman.kinds.types.core_v1 import Pod, Service
from steersman.kubelet import machine
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.pod_source import NodePods
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import RuntimeCallError
from steersman.kubelet.settings import NodeSettings, ServerSettings

if TYPE_CHECKING:
    from steersman.client.transport import Transport
    from steersman.http.server import HTTPServer
    from steersman.kubelet.certificates import Keeper
    from steersman.kubelet.instruments import Instruments

RUNTIME_RETRY = 0.02


def node_settings(config: KubeletConfig) -> NodeSettings:
    """The node as the kubelet's own package knows it; makes its directory, whose file system is measured. Raises ConfigError."""
    try:
        Path(config.resolv_conf_file).read_bytes()
    except OSError as error:
        raise ConfigError(f"resolvConfFile: {config.resolv_conf_file}: {error.strerror}") from error
    root = Path(config.root_dir)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return NodeSettings(
        name=config.node_name,
        ips=(config.node_ip,),
        labels=config.node_labels,
        pod_cidr=config.pod_cidr,
        root=root,
        pod_logs=config.pod_logs_dir,
        cgroup_root=config.cgroup_root,
        cluster_dns=(config.cluster_dns,) if config.cluster_dns else (),
        cluster_domain=config.cluster_domain,
        resolv_conf=Path(config.resolv_conf_file),
        server_port=config.port,
        max_pods=config.max_pods,
        allowed_unsafe_sysctls=config.allowed_unsafe_sysctls,
        cpus=config.cpus or machine.cpu_count(),
        memory=config.memory_bytes or machine.memory_total(),
        disk=machine.disk(root)[0],
        status_period=config.node_status_update_frequency,
        lease_seconds=config.lease_duration,
    )


def server_settings(config: KubeletConfig) -> ServerSettings:
    """What the node's own port serves."""

    def configuration() -> dict[str, Any]:
        from steersman.cmd.parts.configz import kubelet_configuration

        return kubelet_configuration(config)

    return ServerSettings(
        configuration=configuration,
        debugging_handlers=config.enable_debugging_handlers,
        system_log_handler=config.enable_system_log_handler,
        system_log_query=config.enable_system_log_query,
    )


def _counted(config: KubeletConfig, client: Client, instruments: "Instruments") -> "Transport":
    from steersman.client import kubeconfig
    from steersman.kubelet.api_calls import CountedTransport

    host = urlsplit(kubeconfig.load(Path(config.kubeconfig)).server).netloc
    return CountedTransport(client.transport, instruments, host)


async def run(config: KubeletConfig, started: Started) -> None:
    """Run the node, or the simulated nodes, until cancelled; containers go on without their kubelet."""
    clock = RealClock()
    if config.simulate:
        async with connected(config.kubeconfig, clock, "kubelet") as client:
            await _simulate(config, client, clock, started)
        return
    from steersman.cmd.parts.credentials import client_keeper, introduced
    from steersman.kubelet.instruments import Instruments
    from steersman.kubelet.runtime.cri.client import CriRuntime

    keeper = client_keeper(config, clock)
    instruments = Instruments(clock)
    runtime = CriRuntime(config.container_runtime_endpoint, instruments)
    try:
        async with asyncio.TaskGroup() as tasks:
            # While the node waits for its certificate.
            prepared = tasks.create_task(ensure_pause_image(runtime, config.container_runtime_endpoint, clock))
            async with introduced(config, keeper, clock) as client:
                if keeper is not None:
                    tasks.create_task(keeper.keep(client))
                counted = Client(_counted(config, client, instruments))
                await _serve(config, counted, runtime, instruments, keeper, prepared, clock, started)
    finally:
        await runtime.close()


async def _simulate(config: KubeletConfig, client: Client, clock: Clock, started: Started) -> None:
    from steersman.kubelet.simulation import SimulatedNodes, Simulation

    simulation = Simulation(SimulatedNodes(config.simulate, config.simulated_name_prefix), client, clock)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(simulation.run())
        await simulation.wait_ready()
        started()


async def _serve(
    config: KubeletConfig,
    client: Client,
    runtime: Runtime,
    instruments: "Instruments",
    keeper: "Keeper | None",
    prepared: Awaitable[None],
    clock: Clock,
    started: Started,
) -> None:
    """Run the node; its pods once the runtime is `prepared`."""
    from steersman.cmd.parts.credentials import serving_keeper
    from steersman.http.server import HTTPServer
    from steersman.kubelet.access import Access
    from steersman.kubelet.server import KubeletServer

    recorder = EventRecorder(client, clock, "kubelet", config.node_name)
    pods = Informer(client, Pod, clock, fields=f"spec.nodeName={config.node_name}")
    services = Informer(client, Service, clock)
    kubelet = Kubelet(
        node_settings(config),
        client,
        runtime,
        clock,
        machine.read_machine(),
        NodePods(pods),
        services.items,
        recorder,
        instruments,
    )
    serving = serving_keeper(config, clock)
    keepers = [found for found in (keeper, serving) if found is not None]
    access = Access(client, clock, config.node_name)
    handle = KubeletServer(kubelet, runtime, clock, access, server_settings(config), keepers).handle
    server = HTTPServer(handle)
    try:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(_listen(config, server, client, serving, tasks))
            for informer in (pods, services):
                tasks.create_task(informer.run())
            tasks.create_task(recorder.run())
            # Containers get their services' addresses at their start, and never again.
            await services.wait_synced()
            await prepared
            tasks.create_task(kubelet.run())
            await kubelet.registered.wait()
            await listening
            started()
    finally:
        await server.close()


async def _listen(
    config: KubeletConfig, server: "HTTPServer", client: Client, keeper: "Keeper | None", tasks: asyncio.TaskGroup
) -> None:
    """Open the kubelet's own port, once there is a certificate for it."""
    from steersman.cmd.parts.serving import server_tls

    if keeper is not None:
        await keeper.ensure(client)
        tasks.create_task(keeper.keep(client))
    tls = server_tls(config, config.client_ca_file, changed=server.verify_anew)
    await server.start((config.bind_address,), config.port, tls)


async def ensure_pause_image(runtime: Runtime, socket: str, clock: Clock) -> None:
    """Wait for the runtime, and give it the image that pod sandboxes are made from: it is in no registry."""
    from steersman.kubelet import images
    from steersman.kubelet.archive import write_oci
    from steersman.kubelet.pause import PAUSE_IMAGE, pause_image

    while True:
        try:
            present = await runtime.list_images()
            break
        except RuntimeCallError:
            # It was started a moment ago, or is being restarted.
            await clock.sleep(RUNTIME_RETRY)
    if any(PAUSE_IMAGE in image.repo_tags for image in present):
        return
    descriptor, name = tempfile.mkstemp(suffix=".tar")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write_oci([pause_image()], file)
        await images.load(socket, name)
    finally:
        os.unlink(name)


if __name__ == "__main__":
    sys.exit(main(run, KubeletConfig))
