"""The resolver configuration of a node."""

import pytest

from steersman.network.mounts import node_resolv_conf


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["search a\nnameserver 192.0.2.1\n"], "search a\nnameserver 192.0.2.1\n"),
        (["nameserver 127.0.0.53\nnameserver 192.0.2.1"], "nameserver 192.0.2.1\n"),
        (["nameserver 127.0.0.53\n", "nameserver 192.0.2.7\n"], "nameserver 192.0.2.7\n"),
        (["nameserver ::1\nnameserver nonsense\n"], "nameserver 10.96.0.10\n"),
        (["nameserver fe80::1%eth0\n"], "nameserver fe80::1%eth0\n"),
        ([], "nameserver 10.96.0.10\n"),
    ],
)
def test_loopback_servers_are_left_out(texts: list[str], expected: str) -> None:
    assert node_resolv_conf(texts, "10.96.0.10") == expected
