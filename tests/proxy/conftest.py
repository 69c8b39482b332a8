"""A small machine of network namespaces: one node, pods on point-to-point links, and a stranger outside."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import TypeVar

import pytest

from steersman.network import links, syscalls
from steersman.network.nft import Nft, open_nft
from steersman.network.sysctl import set_sysctl
from steersman.proxy.frame import frame
from steersman.proxy.ruleset import RuleSet, diff, load
from steersman.proxy.settings import ProxySettings

NODE_ADDRESS = "10.95.0.2"
STRANGER_ADDRESS = "10.95.0.9"
PODS = IPv4Network("10.213.0.0/16")
SETTINGS = ProxySettings(
    table="steersman-test",
    own_pods=PODS,
    service_range=IPv4Network("10.127.0.0/16"),
    node_name="node-0",
)
# How long an answer may take, and how long one that must not come is waited for.
TIMEOUT, SILENCE = 60.0, 1.0

T = TypeVar("T")


@dataclass
class Machine:
    """``node``, ``stranger`` and the pods are names of namespaces, of this machine alone: others may have been left behind."""

    prefix: str = field(default_factory=lambda: f"steersman-test-proxy-{secrets.token_hex(4)}")
    settings: ProxySettings = SETTINGS
    loaded: RuleSet = field(default_factory=RuleSet)
    _nft: Nft | None = None
    _spaces: list[str] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def node(self) -> str:
        return f"{self.prefix}-node"

    @property
    def stranger(self) -> str:
        return f"{self.prefix}-out"

    # Building

    def build(self) -> None:
        for name in (self.node, self.stranger):
            self._make(name)
        links.ip([f"link add eth0 type veth peer name eth0 netns {self.stranger}"], self.node)
        links.ip([f"address replace {NODE_ADDRESS}/24 dev eth0", "link set eth0 up"], self.node)
        links.ip(["route replace default via 10.95.0.9"], self.node)
        links.ip([f"address replace {STRANGER_ADDRESS}/24 dev eth0", "link set eth0 up"], self.stranger)
        for network in (PODS, SETTINGS.service_range):
            links.ip([f"route replace {network} via {NODE_ADDRESS}"], self.stranger)
        for key in ("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet"):
            self.inside(self.node, lambda key=key: set_sysctl(key, 1))
        self._nft = self.inside(self.node, open_nft)

    def pod(self, number: int) -> str:
        """Makes a pod; returns its address."""
        address = f"10.213.0.{number}"
        name = self.space(address)
        self._make(name)
        links.ip([f"link add pod{number} type veth peer name eth0 netns {name}"], self.node)
        links.ip(
            [
                f"address replace 10.213.0.1/32 dev pod{number}",
                f"link set pod{number} up",
                f"route replace {address}/32 dev pod{number}",
            ],
            self.node,
        )
        links.ip(
            [
                f"address replace {address}/32 dev eth0",
                "link set eth0 up",
                "route replace 10.213.0.1 dev eth0 scope link",
                "route replace default via 10.213.0.1",
            ],
            name,
        )
        return address

    def space(self, address: str) -> str:
        return f"{self.prefix}-p{address.rpartition('.')[2]}"

    def _make(self, name: str) -> None:
        self._spaces.append(name)
        links.make_netns(name)
        links.ip(["link set lo up"], name)

    def inside(self, name: str, call: Callable[[], T]) -> T:
        return syscalls.in_network(links.netns_path(name), call)

    # Rules

    def nft(self, text: str) -> str:
        assert self._nft is not None
        nft = self._nft
        return self.inside(self.node, lambda: nft.run(text))

    def load(self, rules: RuleSet) -> None:
        self.nft(load(self.settings.table, frame(self.settings), rules, {}).text)
        self.loaded = rules

    def change(self, rules: RuleSet) -> None:
        change = diff(self.settings.table, self.loaded, rules)
        for text in (change.text, change.cleanup):
            if text:
                self.nft(text)
        self.loaded = rules

    # Traffic

    def serve(self, address: str, port: int, space: str | None = None, kind: int = socket.SOCK_STREAM) -> None:
        """Answers every connection (or datagram) with ``<own address> <client's address>``."""

        def listen() -> socket.socket:
            opened = socket.socket(socket.AF_INET, kind)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((address, port))
            if kind == socket.SOCK_STREAM:
                opened.listen(64)
            return opened

        opened = self.inside(space or self.space(address), listen)
        work = _answer_streams if kind == socket.SOCK_STREAM else _answer_datagrams
        thread = threading.Thread(target=work, args=(opened, address))
        thread.start()
        self._sockets.append(opened)
        self._threads.append(thread)

    def ask(self, space: str, address: str, port: int, source: int = 0, patience: float = TIMEOUT) -> str:
        """Connects from a namespace and returns the answer. Raises what the socket raises."""

        def connect() -> str:
            with socket.create_connection((address, port), patience, ("", source)) as opened:
                return opened.recv(100).decode()

        return self.inside(space, connect)

    def udp(self, space: str) -> socket.socket:
        opened = self.inside(space, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        opened.settimeout(TIMEOUT)
        self._sockets.append(opened)
        return opened

    def close(self) -> None:
        for opened in self._sockets:
            with contextlib.suppress(OSError):  # a datagram socket is not connected, and wakes all the same
                opened.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TIMEOUT)
        for opened in self._sockets:
            opened.close()
        if self._nft is not None:
            self._nft.close()
        for name in self._spaces:
            links.remove_netns(name)
        assert not [path for path in Path("/run/netns").iterdir() if self.prefix in path.name]


def _answer_streams(opened: socket.socket, name: str) -> None:
    while True:
        try:
            connection, peer = opened.accept()
        except OSError:
            return
        with connection:
            connection.sendall(f"{name} {peer[0]}".encode())


def _answer_datagrams(opened: socket.socket, name: str) -> None:
    while True:
        try:
            data, peer = opened.recvfrom(100)
        except OSError:
            return
        if not data:  # shut down
            return
        opened.sendto(f"{name} {peer[0]}".encode(), peer)


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    try:
        made.build()
        yield made
    finally:
        made.close()
