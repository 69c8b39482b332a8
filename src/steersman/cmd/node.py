"""A node's process: puts itself into the node's namespaces, and keeps containerd, kubelet and proxy running there.

    python -m steersman.cmd.node FILE

Every start is a reboot of the node: whatever ran in it before is gone. Standard library only.
"""

import os
import sys
from pathlib import Path

from steersman.cmd import notify
from steersman.cmd.config import NodeConfig
from steersman.cmd.configfile import load
from steersman.cmd.supervisor import Paths, Supervisor, lock, read_specs
from steersman.network.addresses import ClusterAddresses
from steersman.network.mounts import NodeFiles
from steersman.network.node import NodeNetwork, NodeSpec, enter


def node_spec(config: NodeConfig) -> NodeSpec:
    """The node as `network.node` knows it."""
    network = NodeNetwork(config.cluster, ClusterAddresses(config.slot), config.number)
    return NodeSpec(
        network=network,
        files=NodeFiles(
            state=Path(config.root_dir) / "state",
            hostname=config.name,
            address=network.own.address,
            nameserver=str(network.addresses.gateway),
        ),
        cgroup=f"steersman/{config.cluster}/{config.name}",
        cpus=config.cpus or None,
        memory=config.memory_bytes or None,
    )


def main(arguments: list[str]) -> int:
    config = load(NodeConfig, Path(arguments[0]))
    spec = node_spec(config)
    spec.network.create()
    spec.network.connect(range(config.nodes))
    # Ready from here on, as far as the host's supervisor is concerned: what is inside has a supervisor of its own.
    notify.ready()
    os.environ.pop("NOTIFY_SOCKET", None)
    return enter(spec, lambda: inside(config))


def inside(config: NodeConfig) -> int:
    """What runs in the node's namespaces until the node is to end."""
    os.chdir("/")
    paths = Paths(config.root_dir)
    # Process numbers of the node's former life mean nothing in this one.
    for name in os.listdir(paths.run) if os.path.isdir(paths.run) else ():
        if name.endswith(".pid"):
            os.unlink(os.path.join(paths.run, name))
    if lock(paths) is None:
        print(f"node {config.name} runs already", file=sys.stderr)
        return 1
    Supervisor(paths, read_specs(paths)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
