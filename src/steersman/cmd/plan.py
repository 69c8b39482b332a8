"""From a cluster's configuration to everything its processes read: plain functions, no I/O.

`part_configs` says how each part is configured, `specs` which processes there are and in what order they start.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steersman.cmd import encryption, part_args
from steersman.cmd.config import (
    ApiServerConfig,
    ClusterConfig,
    ControllerManagerConfig,
    DNSConfig,
    KubeletConfig,
    NodeConfig,
    ProxyConfig,
    SchedulerConfig,
)
from steersman.cmd.place import Place
from steersman.cmd.supervisor import Paths
from steersman.network.addresses import ClusterAddresses
from steersman.pki.layout import FRONT_PROXY, Credential

LOOPBACK = "127.0.0.1"
SIMULATED = "simulated"
# Few threads need few arenas and no threads for algebra. Memory freed goes back to the system but for a few megabytes: a large
# answer made in fresh pages costs more in page faults than in work.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "8388608",
    "MALLOC_TRIM_THRESHOLD_": "8388608",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}
NODE_GRACE = 30.0
# How often it is looked whether certificates end soon: those that steer makes last a year.
RENEWAL = 6 * 3600.0
NURSERY = "nursery"
# A forked part shows its own command line in the room that its nursery's takes.
_TITLE_SPACE = "-" * 64


def addresses(config: ClusterConfig) -> ClusterAddresses:
    return ClusterAddresses(config.slot)


def node_names(config: ClusterConfig) -> list[str]:
    """The names of the real nodes, in the order of their numbers."""
    return [f"node-{number + 1}" for number in range(config.nodes)]


def host_address(config: ClusterConfig) -> str:
    """Where the host's own parts are reached by nodes and pods; loopback when there are no real nodes."""
    return str(addresses(config).gateway) if config.nodes else LOOPBACK


def server_url(config: ClusterConfig, address: str = LOOPBACK) -> str:
    return f"https://{address}:{config.port}"


def ports(config: ClusterConfig) -> list[int]:
    """The ports of the host's loopback that are the cluster's as long as it runs."""
    return [config.port] if config.nodes else [config.port, config.dns_port]


def table(config: ClusterConfig) -> str:
    """The nftables table of the host's service rules."""
    return f"steersman-{config.name}-services"


def credentials(config: ClusterConfig, place: Place) -> dict[str, tuple[Credential, str]]:
    """For every kubeconfig of a part: who it is and the address it dials."""
    pki = place.pki
    found = {
        "admin": (pki.admin, LOOPBACK),
        "controller-manager": (pki.controller_manager, LOOPBACK),
        "scheduler": (pki.scheduler, LOOPBACK),
        "dns": (pki.dns, LOOPBACK),
    }
    if config.nodes:
        found["proxy"] = (pki.proxy, LOOPBACK)
    for name in node_names(config):
        found[f"{name}-proxy"] = (pki.proxy, host_address(config))
    if config.simulate:
        found[SIMULATED] = (pki.named(SIMULATED), LOOPBACK)
    return found


def kubelet_pair(place: Place, node: str) -> Path:
    """The client certificate of a node's kubelet, with its key. It is the kubelet that asks for it, and replaces it."""
    return place.node(node) / "kubelet" / "pki" / "kubelet-client-current.pem"


def kubelet_serving_pair(place: Place, node: str) -> Path:
    """The same of the kubelet's own server."""
    return place.node(node) / "kubelet" / "pki" / "kubelet-server-current.pem"


def serving_hosts(config: ClusterConfig) -> dict[str, str]:
    """The names and addresses that the kubelet of each node serves under."""
    network = addresses(config)
    return {name: f"{name}+{network.node(number).address}" for number, name in enumerate(node_names(config))}


def part_configs(config: ClusterConfig, place: Place) -> dict[str, Any]:
    """The Config of every part, by the name of its file."""
    network = addresses(config)
    configs: dict[str, Any] = {
        "apiserver": _apiserver(config, place),
        "controller-manager": ControllerManagerConfig(
            kubeconfig=str(place.part_kubeconfig("controller-manager")),
            root_ca_file=str(place.pki.ca.cert),
            service_account_private_key_file="" if _signs_elsewhere(config) else str(place.pki.service_account_key),
            cluster_signing_cert_file=str(place.pki.ca.cert),
            cluster_signing_key_file=str(place.pki.ca.key),
            kubelet_serving_hosts=serving_hosts(config),
            legacy_service_account_tokens=config.legacy_service_account_tokens,
            cluster_cidr=str(network.pod_range),
            service_cluster_ip_range=str(network.service_range),
        ),
        "scheduler": SchedulerConfig(kubeconfig=str(place.part_kubeconfig("scheduler"))),
        "dns": DNSConfig(
            kubeconfig=str(place.part_kubeconfig("dns")),
            bind_addresses=(host_address(config),),
            port=config.dns_port,
            # A Service needs an endpoint that pods can dial; loopback is none.
            cluster_dns=str(network.dns_service) if config.nodes else "",
            cluster_ranges=(str(network.service_range), str(network.pod_range)),
        ),
    }
    if config.nodes:
        configs["proxy"] = ProxyConfig(
            kubeconfig=str(place.part_kubeconfig("proxy")),
            cluster_cidr=str(network.pod_range),
            node_cidr=str(network.node_network),
            service_cluster_ip_range=str(network.service_range),
            table=table(config),
        )
    for number, name in enumerate(node_names(config)):
        configs[f"{name}-kubelet"] = _kubelet(config, place, number, name)
        configs[f"{name}-proxy"] = ProxyConfig(
            kubeconfig=str(place.part_kubeconfig(f"{name}-proxy")),
            node_name=name,
            cluster_cidr=str(network.pod_range),
            pod_cidr=str(network.node(number).pod_range),
            service_cluster_ip_range=str(network.service_range),
            table=table(config),
            node_addresses=(str(network.node(number).address),),
        )
        configs[name] = NodeConfig(
            cluster=config.name,
            slot=config.slot,
            number=number,
            nodes=config.nodes,
            name=name,
            root_dir=str(place.node(name)),
            kubelet_config_file=str(place.part_config(f"{name}-kubelet")),
            proxy_config_file=str(place.part_config(f"{name}-proxy")),
        )
    if config.simulate:
        configs[SIMULATED] = _simulated(config, place)
    return configs


def specs(config: ClusterConfig, place: Place, python: str = sys.executable) -> list[dict[str, Any]]:
    """The processes the supervisor keeps, in the order in which they are shown."""
    parts = [
        _nursery(python, place.supervision),
        _spec(place, python, "apiserver", "apiserver", after=(NURSERY,)),
        _spec(place, python, "controller-manager", "controller_manager"),
        _spec(place, python, "scheduler", "scheduler"),
        _spec(place, python, "dns", "dns"),
    ]
    if config.nodes:
        parts.append(_spec(place, python, "proxy", "proxy"))
    parts += [
        {
            "name": name,
            "command": [python, "-P", "-m", "steersman.cmd.node", str(place.part_config(name))],
            "environment": ENVIRONMENT,
            "after": ["apiserver"],
            "grace": NODE_GRACE,
        }
        for name in node_names(config)
    ]
    if config.simulate:
        parts.append(_spec(place, python, SIMULATED, "kubelet"))
    return parts


def chores(place: Place, python: str = sys.executable) -> list[dict[str, Any]]:
    """What the supervisor has done now and then as long as the cluster runs."""
    command = [python, "-P", "-m", "steersman.cmd.certificates", str(place.directory)]
    return [{"name": "certificates", "command": command, "every": RENEWAL}]


def _spec(
    place: Place, python: str, name: str, module: str, after: tuple[str, ...] = ("apiserver", NURSERY)
) -> dict[str, Any]:
    file = str(place.part_config(name))
    return {
        "name": name,
        "command": [python, "-P", "-m", f"steersman.cmd.parts.{module}", file],
        "forked": [f"steersman.cmd.parts.{module}", file],
        "environment": ENVIRONMENT,
        "after": list(after),
    }


def node_specs(node: NodeConfig, containerd: Mapping[str, Any], python: str = sys.executable) -> list[dict[str, Any]]:
    """The processes inside of a node; `containerd` is the spec of its runtime."""
    parts = [dict(containerd), _nursery(python, Paths(node.root_dir))]
    for name, path in (("kubelet", node.kubelet_config_file), ("proxy", node.proxy_config_file)):
        parts.append(
            {
                "name": name,
                "command": [python, "-P", "-m", f"steersman.cmd.parts.{name}", path],
                "forked": [f"steersman.cmd.parts.{name}", path],
                "environment": ENVIRONMENT,
                "after": ["containerd", NURSERY] if name == "kubelet" else [NURSERY],
                # The kubelet stops first and leaves the pods to the node's end.
                "grace": 10.0,
            }
        )
    return parts


def _nursery(python: str, paths: Paths) -> dict[str, Any]:
    return {
        "name": NURSERY,
        "command": [python, "-P", "-m", "steersman.cmd.nursery", paths.run, _TITLE_SPACE],
        "environment": ENVIRONMENT,
    }


def _apiserver(config: ClusterConfig, place: Place) -> ApiServerConfig:
    """As the cluster needs it, with the user's own settings on top."""
    return part_args.APISERVER.apply(_apiserver_defaults(config, place), config.apiserver_args)


def _apiserver_defaults(config: ClusterConfig, place: Place) -> ApiServerConfig:
    pki, network = place.pki, addresses(config)
    host = host_address(config)
    return ApiServerConfig(
        store=config.store,
        bind_addresses=tuple(dict.fromkeys((LOOPBACK, host))),
        port=config.port,
        # Never loopback, which no endpoint may be. Without real nodes nobody is there to dial it.
        advertise_address=str(network.gateway),
        tls_cert_file=str(pki.apiserver.cert),
        tls_key_file=str(pki.apiserver.key),
        client_ca_file=str(pki.ca.cert),
        requestheader_client_ca_file=str(pki.front_proxy_ca.cert),
        requestheader_allowed_names=(FRONT_PROXY,),
        proxy_client_cert_file=str(pki.front_proxy_client.cert),
        proxy_client_key_file=str(pki.front_proxy_client.key),
        kubelet_client_cert_file=str(pki.apiserver_kubelet_client.cert),
        kubelet_client_key_file=str(pki.apiserver_kubelet_client.key),
        kubelet_ca_file=str(pki.ca.cert),
        service_account_key_file=() if _signs_elsewhere(config) else (str(pki.service_account_key),),
        service_cluster_ip_range=str(network.service_range),
        runtime_config=config.runtime_config,
        encryption_provider_config=encryption_config(config, place),
        encryption_provider_config_automatic_reload=bool(encryption_config(config, place)),
    )


def _signs_elsewhere(config: ClusterConfig) -> bool:
    """Whether service account tokens are signed by somebody else, so that those of our key are worth nothing."""
    return bool(config.apiserver_args.get("service_account_signing_endpoint"))


def encryption_config(config: ClusterConfig, place: Place) -> str:
    """The EncryptionConfiguration that the API server reads: the user's, or the one with the keys that steer makes."""
    return config.encryption_provider_config or (str(encryption.key_file(place)) if config.secrets_encryption else "")


def _kubelet(config: ClusterConfig, place: Place, number: int, name: str) -> KubeletConfig:
    return part_args.KUBELET.apply(_kubelet_defaults(config, place, number, name), config.kubelet_args)


def _kubelet_defaults(config: ClusterConfig, place: Place, number: int, name: str) -> KubeletConfig:
    network, root = addresses(config), place.node(name)
    serving = str(kubelet_serving_pair(place, name))
    return KubeletConfig(
        kubeconfig=str(place.part_kubeconfig(f"{name}-kubelet")),
        bootstrap_kubeconfig=str(place.part_kubeconfig(f"{name}-bootstrap")),
        server_tls_bootstrap=True,
        node_name=name,
        node_ip=str(network.node(number).address),
        pod_cidr=str(network.node(number).pod_range),
        root_dir=str(root / "kubelet"),
        pod_logs_dir=str(root / "pod-logs"),
        container_runtime_endpoint=str(root / "containerd.sock"),
        bind_address=str(network.node(number).address),
        tls_cert_file=serving,
        tls_key_file=serving,
        client_ca_file=str(place.pki.ca.cert),
        cluster_dns=str(network.dns_service),
    )


def _simulated(config: ClusterConfig, place: Place) -> KubeletConfig:
    return KubeletConfig(
        kubeconfig=str(place.part_kubeconfig(SIMULATED)),
        simulate=config.simulate,
        node_ip=LOOPBACK,
        bind_address=LOOPBACK,
        port=0,
        root_dir=str(place.node(SIMULATED) / "kubelet"),
        pod_logs_dir=str(place.node(SIMULATED) / "pod-logs"),
    )
