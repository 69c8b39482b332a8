"""The DNS server's process."""

import asyncio
import sys
from ipaddress import IPv4Network
from pathlib import Path

from steersman.api.clock import RealClock
from steersman.cmd.config import DNSConfig
from steersman.cmd.parts.connect import connected
from steersman.cmd.parts.process import Started, main
from steersman.dns.dns import Dns, DnsSettings


def settings_of(config: DNSConfig) -> DnsSettings:
    """The server's share of the settings."""
    return DnsSettings(
        addresses=config.bind_addresses,
        port=config.port,
        domain=config.cluster_domain,
        ranges=[IPv4Network(text) for text in config.cluster_ranges],
        cluster_dns=config.cluster_dns,
        resolv_conf=Path(config.resolv_conf_file) if config.resolv_conf_file else None,
    )


async def run(config: DNSConfig, started: Started) -> None:
    """Serve until cancelled."""
    clock = RealClock()
    async with connected(config.kubeconfig, clock, "dns") as client, asyncio.TaskGroup() as tasks:
        server = Dns(client, clock, settings_of(config))
        tasks.create_task(server.run())
        await server.wait_ready()
        started()


if __name__ == "__main__":
    sys.exit(main(run, DNSConfig))
