"""The certificates that a kubelet asks for by itself, as its configuration says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from steersman.api.clock import Clock
from steersman.client.rest import Client
from steersman.cmd.config import KubeletConfig
from steersman.cmd.parts.connect import connected
from steersman.kubelet.certificates import Keeper, client_purpose, serving_purpose


def client_keeper(config: KubeletConfig, clock: Clock) -> Keeper | None:
    """What keeps the kubelet's own client certificate; None when it is somebody else who does."""
    if not config.bootstrap_kubeconfig:
        return None
    return Keeper(client_purpose(config.node_name), _folder(config), Path(config.client_ca_file), clock)


def serving_keeper(config: KubeletConfig, clock: Clock) -> Keeper | None:
    """The same for the certificate of its server."""
    if not config.server_tls_bootstrap:
        return None
    purpose = serving_purpose(config.node_name, (config.node_name, config.node_ip))
    return Keeper(purpose, _folder(config), Path(config.client_ca_file), clock)


def _folder(config: KubeletConfig) -> Path:
    return Path(config.cert_dir) if config.cert_dir else Path(config.root_dir) / "pki"


@asynccontextmanager
async def introduced(config: KubeletConfig, keeper: Keeper | None, clock: Clock) -> AsyncIterator[Client]:
    """The API server's client, as the node; the node introduces itself first where it has no certificate."""
    if keeper is not None and keeper.current() is None:
        async with connected(config.bootstrap_kubeconfig, clock, "kubelet") as stranger:
            await keeper.ensure(stranger)
    async with connected(config.kubeconfig, clock, "kubelet") as client:
        yield client
