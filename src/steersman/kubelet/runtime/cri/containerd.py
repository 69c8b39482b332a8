"""A node's private containerd as text: its configuration, command line and environment.

Nothing here starts a process or reads a file. The configuration is version 2, which containerd 1.6 and 1.7 read and
2.x migrates by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

CAP_SYS_RESOURCE = 24
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Pulls go through the user's proxy and trust the user's certificates; nothing else is containerd's business.
PASSED_ON = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TMPDIR",
)


class ContainerdConfig(Struct, frozen=True, kw_only=True):
    """Where one containerd lives and how it runs pods. Paths are absolute, as containerd sees them.

    `restrict_oom_score_adj` is needed where CAP_SYS_RESOURCE is missing (see `lacks_sys_resource`): runc
    cannot lower a score there and would refuse to start. `systemd_cgroup` must match the node agent's cgroup
    driver. `registry_dir` holds one `<host>/hosts.toml` per configured registry, empty for none.
    `snapshotter` is `native` where the root lies on a file system that overlayfs cannot use.
    """

    root: str
    state: str
    socket: str
    sandbox_image: str
    cni_conf_dir: str
    cni_bin_dir: str = "/usr/lib/cni"
    systemd_cgroup: bool = False
    restrict_oom_score_adj: bool = False
    registry_dir: str = ""
    snapshotter: str = "overlayfs"
    stream_address: str = "127.0.0.1"
    log_level: str = "info"


def lacks_sys_resource(proc_status: str) -> bool:
    """Whether the process of that `/proc/<pid>/status` text lacks CAP_SYS_RESOURCE."""
    for line in proc_status.splitlines():
        if line.startswith("CapEff:"):
            return not int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1
    raise ValueError("no CapEff line in the process status")


def _value(value: str | bool | int | list[str]) -> str:
    # JSON's strings, booleans, integers and string lists are TOML's as well.
    return json.dumps(value)


def _table(name: str, values: Mapping[str, str | bool | int | list[str]]) -> str:
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]" if name else "", *lines, ""]).lstrip()


def render(config: ContainerdConfig) -> str:
    """The text of config.toml."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    runc = f"{cri}.containerd.runtimes.runc"
    tables = [
        _table(
            "",
            {
                "version": 2,
                "root": config.root,
                "state": config.state,
                # It would make /opt/containerd, outside the directories given.
                "disabled_plugins": ["io.containerd.internal.v1.opt"],
            },
        ),
        _table("grpc", {"address": config.socket}),
        _table("debug", {"level": config.log_level}),
        _table(
            cri,
            {
                "sandbox_image": config.sandbox_image,
                "restrict_oom_score_adj": config.restrict_oom_score_adj,
                "stream_server_address": config.stream_address,
                "stream_server_port": "0",
                # A container that is not root may listen on port 80 and send pings inside its pod.
                "enable_unprivileged_ports": True,
                "enable_unprivileged_icmp": True,
            },
        ),
        _table(f"{cri}.containerd", {"snapshotter": config.snapshotter, "default_runtime_name": "runc"}),
        # BinaryName stays unset: PATH finds runc wherever the distribution put it.
        _table(runc, {"runtime_type": "io.containerd.runc.v2"}),
        _table(f"{runc}.options", {"SystemdCgroup": config.systemd_cgroup}),
        _table(f"{cri}.cni", {"bin_dir": config.cni_bin_dir, "conf_dir": config.cni_conf_dir}),
    ]
    if config.registry_dir:
        tables.append(_table(f"{cri}.registry", {"config_path": config.registry_dir}))
    return "\n".join(tables)


def command(config_path: str) -> list[str]:
    """The command line for the configuration file at that path."""
    return ["containerd", "--config", config_path]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of containerd, made from the caller's."""
    path = inherited.get("PATH", "")
    missing = [part for part in DEFAULT_PATH.split(":") if part not in path.split(":")]
    passed = {name: inherited[name] for name in PASSED_ON if name in inherited}
    return {**passed, "PATH": ":".join(filter(None, [path, *missing]))}
