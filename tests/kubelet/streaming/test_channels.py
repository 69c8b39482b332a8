"""Channels inside messages, in every subprotocol."""

from __future__ import annotations

import pytest

from steersman.api import websocket
from steersman.kubelet.streaming.channels import PORT_FORWARD, REMOTE_COMMAND

FAILURE = b'{"metadata":{},"status":"Failure","message":"command terminated","code":500}'
SUCCESS = b'{"metadata":{},"status":"Success"}'


def test_which_are_known() -> None:
    assert list(REMOTE_COMMAND) == [
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
        "v4.base64.channel.k8s.io",
        "channel.k8s.io",
        "base64.channel.k8s.io",
        "",
    ]
    assert list(PORT_FORWARD) == ["v4.channel.k8s.io", "v4.base64.channel.k8s.io", ""]
    assert [name for name, p in REMOTE_COMMAND.items() if p.can_close] == ["v5.channel.k8s.io"]


@pytest.mark.parametrize(
    ("name", "opcode", "payload"),
    [
        ("v5.channel.k8s.io", websocket.BINARY, b"\x01\x00hi"),
        ("v4.channel.k8s.io", websocket.BINARY, b"\x01\x00hi"),
        ("channel.k8s.io", websocket.BINARY, b"\x01\x00hi"),
        ("", websocket.BINARY, b"\x01\x00hi"),
        ("v4.base64.channel.k8s.io", websocket.TEXT, b"1AGhp"),
        ("base64.channel.k8s.io", websocket.TEXT, b"1AGhp"),
    ],
)
def test_encode_and_decode(name: str, opcode: int, payload: bytes) -> None:
    protocol = REMOTE_COMMAND[name]
    assert protocol.encode(1, b"\x00hi") == (opcode, payload)
    assert protocol.decode(payload) == (1, b"\x00hi")


@pytest.mark.parametrize(
    ("name", "damaged"),
    [("v4.channel.k8s.io", b""), ("base64.channel.k8s.io", b"xAGhp"), ("base64.channel.k8s.io", b"0!!")],
)
def test_damaged_messages(name: str, damaged: bytes) -> None:
    assert REMOTE_COMMAND[name].decode(damaged) is None


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("v5.channel.k8s.io", SUCCESS, SUCCESS),
        ("v4.channel.k8s.io", FAILURE, FAILURE),
        ("channel.k8s.io", SUCCESS, b""),
        ("channel.k8s.io", FAILURE, b"command terminated"),
        ("base64.channel.k8s.io", b"plain", b"plain"),
    ],
)
def test_what_the_error_channel_says(name: str, status: bytes, text: bytes) -> None:
    assert REMOTE_COMMAND[name].error(status) == text
