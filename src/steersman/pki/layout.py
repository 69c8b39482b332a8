"""Where a cluster's keys and certificates lie, and who they speak for. `ensure` makes what is missing.

Names of files follow kubeadm's `/etc/kubernetes/pki`, so that people find what they know.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from steersman.api.identities import MASTERS
from steersman.pki.accountkey import NewKey
from steersman.pki.files import PUBLIC, write_atomic

if TYPE_CHECKING:
    from steersman.pki.certs import Pair, Request

ADMIN = "steersman-admin"
FRONT_PROXY = "front-proxy-client"


@dataclass(frozen=True)
class Credential:
    """Paths of one certificate and its key."""

    cert: Path
    key: Path


@dataclass(frozen=True)
class Layout:
    """The files under `directory`. Making one touches nothing."""

    directory: Path

    def named(self, name: str) -> Credential:
        return Credential(self.directory / f"{name}.crt", self.directory / f"{name}.key")

    @property
    def ca(self) -> Credential:
        return self.named("ca")

    @property
    def front_proxy_ca(self) -> Credential:
        return self.named("front-proxy-ca")

    @property
    def front_proxy_client(self) -> Credential:
        return self.named("front-proxy-client")

    @property
    def apiserver(self) -> Credential:
        return self.named("apiserver")

    @property
    def apiserver_kubelet_client(self) -> Credential:
        return self.named("apiserver-kubelet-client")

    @property
    def admin(self) -> Credential:
        return self.named("admin")

    @property
    def controller_manager(self) -> Credential:
        return self.named("controller-manager")

    @property
    def scheduler(self) -> Credential:
        return self.named("scheduler")

    @property
    def proxy(self) -> Credential:
        return self.named("proxy")

    @property
    def dns(self) -> Credential:
        return self.named("dns")

    @property
    def service_account_key(self) -> Path:
        return self.directory / "sa.key"

    @property
    def service_account_public_key(self) -> Path:
        return self.directory / "sa.pub"


@dataclass
class Writing:
    """What `ensure_…` are told and tell: good certificates stay, except those named in `anew`; `written` has all new files.

    A certificate's name is its file's below the layout's directory, without the suffix.
    """

    directory: Path
    now: datetime
    anew: Collection[str] = ()
    written: list[Path] = field(default_factory=list)

    def is_wanted_anew(self, place: Credential) -> bool:
        return place.cert.relative_to(self.directory).with_suffix("").as_posix() in self.anew


def ensure_cluster(layout: Layout, hosts: tuple[str, ...], now: datetime, anew: Collection[str] = ()) -> list[Path]:
    """Make the control plane's credentials, keeping good ones but for those `anew`; returns the certificates and keys written.

    `hosts` are the names and addresses under which clients reach the API server.
    """
    # First of all, because it takes longest: longer than what is imported next, and everything else, takes together.
    account_key = None if layout.service_account_key.exists() else NewKey()
    from steersman.pki.certs import Request

    writing = Writing(layout.directory, now, anew)
    ca = _ensure_ca(layout.ca, "steersman-ca", writing)
    front_proxy = _ensure_ca(layout.front_proxy_ca, "steersman-front-proxy-ca", writing)
    _ensure(layout.apiserver, ca, Request("kube-apiserver", hosts=hosts, usages=("server",)), writing)
    _ensure(layout.front_proxy_client, front_proxy, Request(FRONT_PROXY), writing)
    clients = (
        (layout.apiserver_kubelet_client, Request("kube-apiserver-kubelet-client")),
        (layout.admin, Request(ADMIN, (MASTERS,))),
        (layout.controller_manager, Request("system:kube-controller-manager")),
        (layout.scheduler, Request("system:kube-scheduler")),
        (layout.proxy, Request("system:kube-proxy")),
        # Not the name of upstream's ServiceAccount: this part runs outside of the cluster, without a pod.
        (layout.dns, Request("system:steersman-dns")),
    )
    for credential, request in clients:
        _ensure(credential, ca, request, writing)
    if account_key is not None:
        private, public = account_key.pair()
        write_atomic(layout.service_account_public_key, public, PUBLIC)
        write_atomic(layout.service_account_key, private)
        writing.written.append(layout.service_account_key)
    return writing.written


def ensure_simulation(layout: Layout, name: str, now: datetime, anew: Collection[str] = ()) -> list[Path]:
    """Make the client certificate of the process that stands for all simulated nodes, keeping a good one that is not in `anew`."""
    from steersman.pki.certs import Request

    writing = Writing(layout.directory, now, anew)
    ca = _ensure_ca(layout.ca, "steersman-ca", writing)
    _ensure(layout.named(name), ca, Request("system:steersman-simulation"), writing)
    return writing.written


def apiserver_hosts(service_ip: str, host_name: str, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names and addresses of the API server's certificate, without repetition, in a stable order."""
    hosts = (
        "127.0.0.1",
        "::1",
        "localhost",
        service_ip,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        host_name,
        *extra,
    )
    return tuple(dict.fromkeys(host for host in hosts if host))


def _ensure_ca(place: Credential, name: str, writing: Writing) -> "Pair":
    from steersman.pki.certs import authority, new_ca

    if place.cert.exists() and place.key.exists():
        return authority(place.cert.read_bytes(), place.key.read_bytes())
    pair = new_ca(name, writing.now)
    _write(place, pair, writing)
    return pair


def _ensure(place: Credential, ca: "Pair", request: "Request", writing: Writing) -> None:
    from steersman.pki.certs import Pair, issue, still_good

    if not writing.is_wanted_anew(place) and place.cert.exists() and place.key.exists():
        have = Pair(place.cert.read_bytes(), place.key.read_bytes())
        if still_good(have, ca.cert, request, writing.now):
            return
    _write(place, issue(ca, request, writing.now), writing)


def _write(place: Credential, pair: "Pair", writing: Writing) -> None:
    # A crash between the two leaves a certificate of another key, which `still_good` refuses at the next start.
    write_atomic(place.key, pair.key)
    write_atomic(place.cert, pair.cert, PUBLIC)
    writing.written += [place.cert, place.key]
