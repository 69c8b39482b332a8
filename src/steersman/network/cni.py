"""The CNI configuration of a node: point-to-point links and addresses from the node's own pod range."""

import json
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from steersman.network.errors import NetworkError

PLUGINS = ("ptp", "host-local", "loopback")
BIN_DIRS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
FILE_NAME = "10-steersman.conflist"


def conflist(pod_range: IPv4Network, mtu: int, data_dir: Path | None = None) -> str:
    """The configuration file's text.

    ``ptp`` because a pod then reaches itself and its neighbours through a Service without br_netfilter.
    Nobody masquerades here: pods see each other's real addresses, and the host masks what leaves it.
    ``data_dir`` is where host-local keeps the addresses in use; None leaves its usual place.
    """
    ipam: dict[str, object] = {
        "type": "host-local",
        "ranges": [[{"subnet": str(pod_range)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    if data_dir is not None:
        ipam["dataDir"] = str(data_dir)
    plugin = {"type": "ptp", "ipMasq": False, "mtu": mtu, "ipam": ipam}
    return json.dumps({"cniVersion": "0.4.0", "name": "steersman", "plugins": [plugin]}, indent=2) + "\n"


def missing_plugins(directory: Path) -> list[str]:
    return [name for name in PLUGINS if not (directory / name).is_file()]


def find_bin_dir(candidates: Iterable[Path] = BIN_DIRS) -> Path:
    """The directory that has all the plugins needed. Raises NetworkError naming where it looked."""
    looked = list(candidates)
    for directory in looked:
        if not missing_plugins(directory):
            return directory
    places = ", ".join(str(directory) for directory in looked)
    raise NetworkError(f"no CNI plugins ({', '.join(PLUGINS)}) in {places}: install containernetworking-plugins")


def write(conf_dir: Path, pod_range: IPv4Network, mtu: int, data_dir: Path | None = None) -> Path:
    """Writes the configuration into ``conf_dir`` so that a reader sees all of it or none."""
    conf_dir.mkdir(parents=True, exist_ok=True)
    path = conf_dir / FILE_NAME
    draft = path.with_suffix(".draft")
    draft.write_text(conflist(pod_range, mtu, data_dir))
    draft.replace(path)
    return path
