"""Interfaces, addresses, routes and pinned network namespaces, through iproute2 in batches: one program start for many changes."""

import json
import socket
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from steersman.network.errors import NetworkError

NETNS_DIR = Path("/run/netns")


def ip(lines: Iterable[str], netns: str | None = None) -> None:
    """Runs the lines as one ``ip`` batch, in a pinned namespace if named; stops at the first that fails.

    Raises NetworkError with iproute2's words.
    """
    batch = "\n".join(lines)
    if not batch:
        return
    where = ["-n", netns] if netns else []
    _run(["ip", *where, "-batch", "-"], batch)


def ip_json(arguments: str, netns: str | None = None) -> list[dict[str, object]]:
    """What ``ip -j`` says about the arguments, as its JSON objects."""
    where = ["-n", netns] if netns else []
    said = _run(["ip", "-j", *where, *arguments.split()])
    found: list[dict[str, object]] = json.loads(said) if said.strip() else []
    return found


def _run(command: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NetworkError(f"cannot run {command[0]}: {error}") from error
    if done.returncode != 0:
        tried = text.replace("\n", "; ") or " ".join(command)
        raise NetworkError(f"ip refused {tried[:300]!r}: {done.stderr.strip()[:500]}")
    return done.stdout


def link_exists(name: str) -> bool:
    """Whether this thread's network namespace has the interface."""
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def netns_path(name: str) -> Path:
    return NETNS_DIR / name


def netns_exists(name: str) -> bool:
    """Whether the pin holds a namespace. A crash between making the file and the mount leaves a plain file."""
    path = netns_path(name)
    try:
        return path.stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
    except FileNotFoundError:
        return False


def make_netns(name: str) -> None:
    """Pins a new network namespace; keeps the one that is there."""
    if netns_exists(name):
        return
    netns_path(name).unlink(missing_ok=True)
    ip([f"netns add {name}"])


def remove_netns(name: str) -> None:
    """Removes the pin; the namespace and its links go with its last process."""
    if netns_exists(name):
        ip([f"netns delete {name}"])
    netns_path(name).unlink(missing_ok=True)


def remove_link(name: str) -> None:
    """Removes an interface of this namespace. A missing one is not an error."""
    if not link_exists(name):
        return
    try:
        ip([f"link delete {name}"])
    except NetworkError:
        # The other end of a veth takes this one along while we look: gone is what was asked for.
        if link_exists(name):
            raise


def used_networks() -> list[IPv4Network]:
    """Every IPv4 network this machine has a route to, the default route left out."""
    routes = ip_json("-4 route show table all")
    found = []
    for route in routes:
        text = str(route.get("dst", ""))
        if text and text != "default":
            found.append(IPv4Network(text, strict=False))
    return found


def egress_mtu(default: int = 1500) -> int:
    """MTU of the interface that the default route leaves by: what a pod's packet must fit into."""
    for route in ip_json("-4 route show default"):
        for link in ip_json(f"link show dev {route['dev']}") if "dev" in route else []:
            return int(str(link["mtu"]))
    return default
