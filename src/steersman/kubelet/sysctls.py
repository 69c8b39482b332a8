"""Kernel parameters that pods may set for themselves: those that harm nobody else, and those that the node's owner allows besides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from steersman.kinds.types.core_v1 import Pod

SAFE = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)  # fmt: skip
"""Parameters of a pod's own that have no influence on other pods and on the node."""

_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_PATTERN = rf"({_SEGMENT}[\./])*([a-z0-9][-_a-z0-9]*)?[a-z0-9*]"
_LONGEST = 253
_SWAPPED = str.maketrans("./", "/.")


class Namespace(StrEnum):
    """The namespaces of Linux that have parameters of their own, in the kubelet's words."""

    IPC = "IPC"
    NET = "Net"
    UTS = "UTS"
    USER = "User"


_NAMES = {
    "kernel.domainname": Namespace.UTS,
    # The last two stand for patterns: kernel.shm* and kernel.msg*.
    **dict.fromkeys(
        (
            "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.msgmax",
            "kernel.msgmnb", "kernel.msgmni", "kernel.shm", "kernel.msg",
        ),
        Namespace.IPC,
    ),
}  # fmt: skip
_AREAS = {"net.": Namespace.NET, "fs.mqueue.": Namespace.IPC, "user.": Namespace.USER}


class SysctlPatternError(ValueError):
    """A pattern that cannot be allowed: it is none, or its parameters belong to the whole machine."""


def dotted(name: str) -> str:
    """The name with dots between its parts: net/ipv4/conf/eth0.1/rp_filter is net.ipv4.conf.eth0/1.rp_filter."""
    separator = re.search(r"[./]", name)
    return name.translate(_SWAPPED) if separator is not None and separator[0] == "/" else name


def namespace_of(name: str) -> Namespace | None:
    """Whose parameter it is, by its dotted name; None for the machine's."""
    found = _NAMES.get(name)
    return found or next((space for area, space in _AREAS.items() if name.startswith(area)), None)


@dataclass(frozen=True, slots=True)
class Allowlist:
    """What pods of one node may set: whole names, and beginnings of names, with their namespaces."""

    names: dict[str, Namespace]
    prefixes: dict[str, Namespace]

    @classmethod
    def of(cls, unsafe: Iterable[str] = ()) -> Allowlist:
        """The safe ones, and `unsafe`: names, or beginnings of names with an asterisk. Raises SysctlPatternError."""
        names: dict[str, Namespace] = {}
        prefixes: dict[str, Namespace] = {}
        for pattern in (*SAFE, *unsafe):
            if len(pattern) > _LONGEST or not re.fullmatch(_PATTERN, pattern):
                raise SysctlPatternError(
                    f'sysctl "{pattern}" must have at most {_LONGEST} characters and match regex {_PATTERN}'
                )
            name, asterisk, _ = dotted(pattern).partition("*")
            space = namespace_of(name)
            if space is None:
                raise SysctlPatternError(f'the sysctls "{name}" are not known to be namespaced')
            (prefixes if asterisk else names)[name] = space
        return cls(names, prefixes)

    def refusal(self, pod: Pod) -> str:
        """Why the pod may not have its parameters; empty when it may."""
        context = pod.spec.securityContext
        for sysctl in (context.sysctls if context is not None else None) or ():
            name = dotted(sysctl.name)
            space = self.names.get(name) or next((s for p, s in self.prefixes.items() if name.startswith(p)), None)
            if space is None:
                return f'"{name}" not allowlisted'
            if space in _shared(pod):
                return f'"{name}" not allowed with host {space} enabled'
        return ""


def _shared(pod: Pod) -> set[Namespace]:
    """The namespaces that the pod shares with its node: what it set there would be the node's."""
    spec = pod.spec
    return {
        space
        for space, shared in (
            (Namespace.IPC, spec.hostIPC),
            (Namespace.NET, spec.hostNetwork),
            (Namespace.USER, spec.hostUsers is not False),
        )
        if shared
    }
