"""Held ports: taken for others, open for the server they are held for."""

import socket

import pytest

from steersman.cmd import ports

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    return socket.create_server((HOST, port))


def test_a_held_port_is_chosen_by_nobody_else_and_its_server_can_listen() -> None:
    held, port = ports.hold_free(HOST, [])
    with held:
        again, other = ports.hold_free(HOST, [port])
        with again, listening(port) as server:
            assert other != port
            with socket.create_connection((HOST, port)), server.accept()[0]:
                pass
        # The server has ended: the port is still nobody else's, and the next one can have it.
        third, other = ports.hold_free(HOST, [port])
        with third, listening(port):
            assert other != port


def test_two_may_hold_the_same_for_a_handover() -> None:
    held, port = ports.hold_free(HOST, [])
    with held:
        second = ports.hold(HOST, port)
    assert second is not None
    with second, listening(port):
        pass


def test_a_port_with_a_listener_cannot_be_held() -> None:
    with listening(0) as server:
        port = server.getsockname()[1]
        assert ports.hold(HOST, port) is None
        held, other = ports.hold_free(HOST, [port])
        held.close()
        assert other != port


def test_a_port_of_udp_is_not_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((HOST, 0))
        port = datagrams.getsockname()[1]
        held, other = ports.hold_free(HOST, [port])
        held.close()
        assert other != port


def test_what_the_kernel_picks_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def free(address: str, port: int) -> bool:
        looked.append(port)
        return len(looked) == 3

    monkeypatch.setattr(ports, "_is_free_for_datagrams", free)
    held, port = ports.hold_free(HOST, [])
    held.close()
    assert port == looked[2]


def test_connections_that_ended_a_moment_ago_take_no_port() -> None:
    held, port = ports.hold_free(HOST, [])
    held.close()
    with listening(port) as server, socket.create_connection((HOST, port)) as client:
        # Who closes first keeps the remains.
        server.accept()[0].close()
        assert client.recv(1) == b""
    with socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind((HOST, port))
    held, chosen = ports.hold_free(HOST, [port])
    held.close()
    assert chosen == port


def test_what_is_held_after_a_handover_is_nobody_elses() -> None:
    first, port = ports.hold_free(HOST, [])
    second = ports.hold(HOST, port)
    assert second is not None
    with second:
        first.close()
        held, other = ports.hold_free(HOST, [port])
        held.close()
        assert other != port
