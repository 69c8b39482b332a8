"""Which kernel parameters pods of a node may set."""

import pytest
from tests.kubelet.builders import pod

from steersman.kubelet.sysctls import Allowlist, SysctlPatternError, dotted

ALLOWED = Allowlist.of(("kernel.msg*", "kernel.sem", "net.b.*", "net/ipv4/conf/eth0.1/*", "user.*"))


def sets(name, **spec):
    return pod(securityContext={"sysctls": [{"name": name, "value": "1"}]}, **spec)


@pytest.mark.parametrize(
    "made",
    [
        pod(),
        pod(securityContext={}),
        sets("kernel.shm_rmid_forced"),
        sets("kernel/shm_rmid_forced"),
        sets("net.ipv4.ip_local_port_range"),
        sets("kernel.msgmax"),
        sets("kernel/sem"),
        sets("net.b.c.d"),
        sets("net.ipv4.conf.eth0/1.rp_filter"),
        sets("user.max_user_namespaces", hostUsers=False),
        sets("kernel.msgmax", hostNetwork=True),
    ],
)
def test_allowed(made):
    assert ALLOWED.refusal(made) == ""


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (sets("foo"), '"foo" not allowlisted'),
        (sets("vm.swappiness"), '"vm.swappiness" not allowlisted'),
        (sets("net/a/b"), '"net.a.b" not allowlisted'),
        (sets("net.ipv4.ip_local_port_range.a.b"), '"net.ipv4.ip_local_port_range.a.b" not allowlisted'),
        (sets("kernel.shm_rmid_forced", hostIPC=True), '"kernel.shm_rmid_forced" not allowed with host IPC enabled'),
        (sets("kernel.msgmax", hostIPC=True), '"kernel.msgmax" not allowed with host IPC enabled'),
        (sets("net.b.c", hostNetwork=True), '"net.b.c" not allowed with host Net enabled'),
        (sets("user.max_user_namespaces"), '"user.max_user_namespaces" not allowed with host User enabled'),
    ],
)
def test_refused(made, said):
    assert ALLOWED.refusal(made) == said


def test_what_is_safe_alone():
    assert Allowlist.of().refusal(sets("kernel.msgmax")) == '"kernel.msgmax" not allowlisted'


@pytest.mark.parametrize(
    "pattern", ["", " kernel.msg*", "kernel.msg* ", "net.-", "net.*.foo", "net.*/foo", "*", "net." + "a" * 250]
)
def test_what_is_no_pattern(pattern):
    with pytest.raises(SysctlPatternError, match=r"must have at most 253 characters and match regex|known to be"):
        Allowlist.of((pattern,))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("foo", "foo"), ("vm.*", "vm."), ("kernel.*", "kernel."), ("kernel/core_pattern", "kernel.core_pattern")],
)
def test_what_is_the_machines(pattern, name):
    with pytest.raises(SysctlPatternError, match=f'the sysctls "{name}" are not known to be namespaced'):
        Allowlist.of((pattern,))


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("net.ipv4.conf.eno2/100.rp_filter", "net.ipv4.conf.eno2/100.rp_filter"),
        ("net/ipv4/conf/eno2.100/rp_filter", "net.ipv4.conf.eno2/100.rp_filter"),
        ("kernel", "kernel"),
    ],
)
def test_one_spelling(name, same):
    assert dotted(name) == same
