"""What an API server is told by whoever starts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from steersman.api.version import KUBERNETES
from steersman.apiserver.admission.selection import Plugins
from steersman.apiserver.authn.settings import Authentication
from steersman.apiserver.authorizers.settings import Authorization
from steersman.apiserver.runtimeconfig import RuntimeConfig

GIT_VERSION = f"{KUBERNETES}+steersman0.1.0"


@dataclass(frozen=True)
class KubeletAccess:
    """The files with which the API server makes itself known to kubelets, and the authority that signs theirs."""

    certificate: Path
    key: Path
    ca: Path


@dataclass(frozen=True)
class FrontProxy:
    """Whose word is taken on who asks: those with certificates of the authority `ca` and one of these names (any name when
    none is listed). The others say which headers have the word: the first with a value has the name, and the uid, all of
    them have groups, and whatever begins with a prefix has something else."""

    ca: Path
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ("X-Remote-User",)
    uid_headers: tuple[str, ...] = ("X-Remote-Uid",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)


@dataclass(frozen=True)
class ProxyClient:
    """The files with which this server makes itself known to aggregated API servers."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class ServerConfig:
    """Settings of the API server. `advertise_address` and `advertise_port` are what pods are told to reach it by (the
    `kubernetes` Service's endpoint); without an address there is no such Service. `runtime` says which API versions
    are served. `client_ca` is published for aggregated API servers, as is what `front_proxy` says.
    """

    service_cidr: str = "10.96.0.0/12"
    node_ports: tuple[int, int] = (30000, 32767)
    advertise_address: str = ""
    advertise_port: int = 6443
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    kubelet: KubeletAccess | None = None
    admission: Plugins = field(default_factory=Plugins)
    authorization: Authorization = field(default_factory=Authorization)
    authentication: Authentication = field(default_factory=Authentication)
    client_ca: Path | None = None
    front_proxy: FrontProxy | None = None
    proxy_client: ProxyClient | None = None
    max_requests: int = 600
    event_ttl: float = 3600.0
    """Seconds that events are kept after their last change; 0 is for ever."""
    max_watches: int = 100_000
    git_version: str = GIT_VERSION
    git_commit: str = "0" * 40
    # What in-process tests leave out: default namespaces, priority classes, the kubernetes Service.
    bootstrap: bool = True
    priority_classes: tuple[tuple[str, int, str], ...] = field(
        default=(
            ("system-cluster-critical", 2_000_000_000, "Used for system critical pods that must run in the cluster."),
            ("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved."),
        )
    )
