"""Requests for an upgrade, their answers, and refusals."""

from __future__ import annotations

import pytest

from steersman.kubelet.streaming.handshake import (
    Refused,
    Upgrade,
    chosen_protocol,
    refusal,
    upgrade_request,
    websocket_answer,
)
from steersman.kubelet.streaming.port_forward import requested_ports
from steersman.kubelet.streaming.remote_command import StreamOptions, stream_options


def asked(path: str = "/", **headers: str) -> Upgrade:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Upgrade(method="GET", path=path, headers=pairs)


@pytest.mark.parametrize(
    ("connection", "upgrade", "asks"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, upgrade", "WebSocket", True),
        ("keep-alive", "websocket", False),
        ("Upgrade", "SPDY/3.1", False),
    ],
)
def test_asks_for(connection: str, upgrade: str, asks: bool) -> None:
    assert asked(connection=connection, UPGRADE=upgrade).asks_for("websocket") is asks


def test_values_of_repeated_and_joined_headers() -> None:
    request = Upgrade(method="GET", path="/", headers=(("X-A", "1, 2"), ("x-a", "3"), ("X-B", "4")))
    assert request.values("X-a") == ["1", "2", "3"]


def test_query() -> None:
    request = asked("/exec?command=sh&command=-c&command=&tty=1&stdin=true&stdout=false")
    assert request.query("command") == ["sh", "-c", ""]
    assert [request.flag(name) for name in ("tty", "stdin", "stdout", "stderr")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("stdout=1&stderr=1", StreamOptions(stdout=True, stderr=True)),
        ("input=1&output=1&error=1", StreamOptions(stdin=True, stdout=True, stderr=True)),
        ("stdin=true&stdout=true&stderr=true&tty=true", StreamOptions(stdin=True, stdout=True, tty=True)),
    ],
)
def test_stream_options(query: str, options: StreamOptions) -> None:
    assert stream_options(asked(f"/exec?{query}")) == options


def test_streams_of_a_command() -> None:
    assert StreamOptions(stdin=True, stdout=True, stderr=True).channels() == [3, 0, 1, 2]
    assert StreamOptions(stdout=True, stderr=True, tty=True).channels() == [3, 1, 4]


def test_chosen_protocol_is_the_clients_first() -> None:
    known = ["v5", "v4"]
    assert chosen_protocol(["v9", "v4", "v5"], known) == "v4"
    assert chosen_protocol([], known) == ""
    with pytest.raises(Refused, match="none of the offered protocols is supported: v9, v8") as caught:
        chosen_protocol(["v9", "v8"], known)
    assert caught.value.status == 400


def test_websocket_answer() -> None:
    request = asked(Sec_WebSocket_Version="13", Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")
    lines = websocket_answer(request, "v5").decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 101 Switching Protocols"
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert "Sec-WebSocket-Protocol: v5" in lines
    assert lines[-2:] == ["", ""]
    assert "Sec-WebSocket-Protocol" not in websocket_answer(request, "").decode()


@pytest.mark.parametrize(
    "headers", [{"Sec_WebSocket_Version": "8", "Sec_WebSocket_Key": "x"}, {"Sec_WebSocket_Version": "13"}]
)
def test_no_websocket_request(headers: dict[str, str]) -> None:
    with pytest.raises(Refused, match="version 13"):
        websocket_answer(asked(**headers), "")


def test_refusal() -> None:
    assert refusal(403, "no") == (
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\nno"
    )


def test_upgrade_request() -> None:
    made = upgrade_request("http://127.0.0.1:4321/exec/tok?x=1", [("X-A", "1"), ("X-A", "2")]).decode()
    assert made.split("\r\n") == [
        "POST /exec/tok?x=1 HTTP/1.1",
        "Host: 127.0.0.1:4321",
        "Connection: Upgrade",
        "Upgrade: SPDY/3.1",
        "X-A: 1",
        "X-A: 2",
        "Content-Length: 0",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("path", "ports"), [("/?ports=80", [80]), ("/?port=80,443&port=7", [80, 443, 7]), ("/?ports=1&ports=2", [1, 2])]
)
def test_requested_ports(path: str, ports: list[int]) -> None:
    assert requested_ports(asked(path)) == ports


@pytest.mark.parametrize("path", ["/", "/?ports=", "/?ports=0", "/?ports=65536", "/?port=http", "/?port=-1"])
def test_bad_ports(path: str) -> None:
    with pytest.raises(Refused) as caught:
        requested_ports(asked(path))
    assert caught.value.status == 400
