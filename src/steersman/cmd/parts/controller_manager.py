"""The controllers' process: every reconciler over one client."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from steersman import controllers
from steersman.api.clock import RealClock
from steersman.client.leaderelection import Election, LeaderElector
from steersman.cmd.config import ControllerManagerConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.connect import accounts, connected
from steersman.cmd.parts.process import Started, main
from steersman.controller.config import ControllerConfig
from steersman.controller.declaration import Controller
from steersman.controller.discovery import discover
from steersman.controller.manager import Manager
from steersman.pki import tokens

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds until a cluster counts as started although some controllers cannot begin: the others work."""


def chosen(known: Iterable[Controller], wanted: Sequence[str]) -> list[Controller]:
    """The controllers that `wanted` names: * is all, -name leaves one out. Raises ConfigError for a name unknown."""
    by_name = {controller.name: controller for controller in known}
    for name in wanted:
        if name != "*" and name.removeprefix("-") not in by_name:
            raise ConfigError(f"controllers: there is no {name.removeprefix('-')!r}; there is {', '.join(by_name)}")
    return [
        controller
        for name, controller in by_name.items()
        if name in wanted or ("*" in wanted and f"-{name}" not in wanted)
    ]


def settings_of(config: ControllerManagerConfig) -> ControllerConfig:
    """The controllers' share of the settings; reads the files of authorities and keys."""
    key_file = config.service_account_private_key_file
    return ControllerConfig(
        root_ca=Path(config.root_ca_file).read_text(),
        sign_token=partial(tokens.sign, key=tokens.load_key(Path(key_file))) if key_file else None,
        signing_authority=_authority(config),
        node_hosts={node: tuple(hosts.split("+")) for node, hosts in config.kubelet_serving_hosts.items()},
        legacy_service_account_tokens=config.legacy_service_account_tokens,
        legacy_token_clean_up_period=config.legacy_service_account_token_clean_up_period,
        cluster_cidrs=(config.cluster_cidr,) if config.cluster_cidr else (),
        node_mask_ipv4=config.node_cidr_mask_size,
        service_cidr=config.service_cluster_ip_range,
        node_grace=config.node_monitor_grace_period,
    )


def _authority(config: ControllerManagerConfig) -> tuple[bytes, bytes] | None:
    if not config.cluster_signing_cert_file:
        return None
    bundle = Path(config.cluster_signing_cert_file).read_bytes()
    key = Path(config.cluster_signing_key_file).read_bytes()
    if bundle.count(b"BEGIN CERTIFICATE") > 1:
        # Another authority takes this one's place; the library is loaded for that alone.
        from steersman.pki.certs import authority

        bundle = authority(bundle, key).cert
    return bundle, key


async def run(config: ControllerManagerConfig, started: Started) -> None:
    """Run the controllers until cancelled, or until another process took the lead."""
    clock = RealClock()
    settings = settings_of(config)
    agent = "controller-manager"
    async with (
        connected(config.kubeconfig, clock, agent) as client,
        accounts(config.kubeconfig, client, clock, agent) as client_as,
    ):
        found = chosen(discover(controllers), config.controllers)
        manager = Manager(client, found, clock, settings, client_as=client_as)
        if not config.leader_elect:
            await _run_manager(manager, started)
            return
        identity = f"{socket.gethostname()}_{os.getpid()}"
        election = Election("kube-system", "kube-controller-manager", identity)
        started()
        await LeaderElector(client, clock, election).run(manager.run)


async def _run_manager(manager: Manager, started: Started) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(manager.run())
        late = await manager.wait_started(PATIENCE)
        if late:
            log.warning("these controllers still wait for what they need to know: %s", ", ".join(late))
        started()


if __name__ == "__main__":
    sys.exit(main(run, ControllerManagerConfig))
