"""The service proxy's process, on the host or in a node."""

import asyncio
import sys
from ipaddress import IPv4Network

from steersman.api.clock import RealClock
from steersman.cmd.config import ProxyConfig
from steersman.cmd.parts.connect import connected
from steersman.cmd.parts.process import Started, main
from steersman.proxy.proxy import Proxy
from steersman.proxy.settings import ProxySettings


def settings_of(config: ProxyConfig) -> ProxySettings:
    """The proxy's share of the settings: a node has pods of its own, a host has nodes beside it."""
    on_node = bool(config.node_name)
    insiders = () if on_node else (config.cluster_cidr, config.node_cidr)
    return ProxySettings(
        table=config.table,
        own_pods=IPv4Network(config.pod_cidr or config.cluster_cidr) if on_node else None,
        insiders=tuple(IPv4Network(text) for text in insiders if text),
        service_range=IPv4Network(config.service_cluster_ip_range),
        node_name=config.node_name,
        node_addresses=config.node_addresses,
    )


async def run(config: ProxyConfig, started: Started) -> None:
    """Keep the rules until cancelled. They stay then: connections go on while the proxy restarts."""
    clock = RealClock()
    settings = settings_of(config)
    async with connected(config.kubeconfig, clock, "proxy") as client, asyncio.TaskGroup() as tasks:
        proxy = Proxy(client, clock, settings)
        tasks.create_task(proxy.run())
        await proxy.wait_synced()
        started()


if __name__ == "__main__":
    sys.exit(main(run, ProxyConfig))
