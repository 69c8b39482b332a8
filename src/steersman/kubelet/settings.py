"""What one node agent is told about its node; `cmd` fills it from the configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """Times in seconds, memory in bytes. `server_port` 0 means that the node serves no API of its own (simulated)."""

    name: str
    ips: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    pod_cidr: str = ""
    root: Path = Path("/var/lib/kubelet")
    pod_logs: str = "/var/log/pods"
    cgroup_root: str = "/kubepods"
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    resolv_conf: Path = Path("/etc/resolv.conf")
    server_port: int = 0
    max_pods: int = 110
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    cpus: float
    memory: int
    disk: int = 0
    status_period: float = 10.0
    lease_seconds: float = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What the kubelet's own API serves. `configuration` makes what is shown of it: KubeletConfiguration, as JSON would have it."""

    configuration: Callable[[], Mapping[str, Any]] = dict
    debugging_handlers: bool = True
    system_log_handler: bool = True
    system_log_query: bool = False
    log_folder: Path = Path("/var/log")
