"""Baseline: pods set no kernel parameters but those that concern nobody else."""

from __future__ import annotations

from functools import partial

from steersman.apiserver.podsecurity.policy import BASELINE
from steersman.apiserver.podsecurity.standards import Control
from steersman.apiserver.podsecurity.subject import Subject, Violation

_ADDED = {
    0: (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    ),
    27: ("net.ipv4.ip_local_reserved_ports",),
    29: (
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    ),
    32: ("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    37: ("net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"),
}
"""What became harmless in which version."""


def check(allowed: frozenset[str], subject: Subject) -> Violation | None:
    bad = [sysctl.name for sysctl in subject.security.sysctls or () if sysctl.name not in allowed]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def _allowed(minor: int) -> frozenset[str]:
    return frozenset(name for since, names in _ADDED.items() if since <= minor for name in names)


CONTROL = Control("sysctls", BASELINE, {minor: partial(check, _allowed(minor)) for minor in _ADDED})
