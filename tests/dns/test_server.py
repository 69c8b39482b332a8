"""Real sockets: both ways, nonsense, and many questions."""

import asyncio
import socket

import dns.asyncquery
import dns.message
import dns.rcode
import pytest
from tests.dns.builders import TIMEOUT, service
from tests.dns.conftest import FakeUpstream

from steersman.api.clock import RealClock
from steersman.dns.forward import Forwarder
from steersman.dns.records import service_records
from steersman.dns.responder import Responder
from steersman.dns.server import DnsServer
from steersman.dns.zone import Zone

WEB = "web.shop.svc.cluster.local"


def server(upstream: FakeUpstream) -> DnsServer:
    zone = Zone()
    zone.set_service("shop", "web", service_records(service(), []))
    responder = Responder(zone, Forwarder([upstream.upstream], RealClock()))
    responder.ready = True
    return DnsServer(responder)


async def test_both_ways(upstream: FakeUpstream) -> None:
    async with server(upstream).serve(["127.0.0.1"], 0) as [(host, port)]:
        for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
            for name in (WEB, "example.com", WEB):
                answer = await ask(dns.message.make_query(name, "A"), host, port=port, timeout=TIMEOUT)
                assert answer.rcode() == dns.rcode.NOERROR
                assert answer.answer


async def test_several_questions_on_one_stream(upstream: FakeUpstream) -> None:
    async with server(upstream).serve(["127.0.0.1"], 0) as [(host, port)]:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(3):
            wire = dns.message.make_query(WEB, "A").to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(await reader.readexactly(2), "big")
            assert (await reader.readexactly(length))[:2] == wire[:2]
        writer.write(b"\0\3abc")  # no query: the end
        assert await reader.read() == b""
        writer.close()


async def test_nonsense_does_no_harm(upstream: FakeUpstream) -> None:
    async with server(upstream).serve(["127.0.0.1"], 0) as [(host, port)]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for packet in (
                b"",
                b"x",
                bytes(12),
                bytes(500),
                b"\xff" * 100,
                b"\0\0\1\0\0\1" + bytes(6) + b"\xc0\x0c\0\1\0\1",
            ):
                sender.sendto(packet, (host, port))
        answer = await dns.asyncquery.udp(dns.message.make_query(WEB, "A"), host, port=port, timeout=TIMEOUT)
        assert answer.answer


async def test_a_taken_address_is_named(upstream: FakeUpstream) -> None:
    async with server(upstream).serve(["127.0.0.1"], 0) as [(_, port)]:
        with pytest.raises(OSError, match=rf"cannot listen for DNS on 127\.0\.0\.1:{port}: Address already in use"):
            async with server(upstream).serve(["127.0.0.1"], port):
                pass


async def test_leaving_ends_what_is_in_work(upstream: FakeUpstream) -> None:
    upstream.answer = lambda query: None
    made = server(upstream)
    async with made.serve(["127.0.0.1"], 0) as [(host, port)]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(dns.message.make_query("example.com", "A").to_wire(), (host, port))
        await upstream.asked.wait()


async def test_streams_are_bounded(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """By how many there are of one address, and by time: for the next question, and for taking the answers."""
    monkeypatch.setattr("steersman.dns.server.MAX_OF_ADDRESS", 2)
    monkeypatch.setattr("steersman.dns.server.IDLE_SECONDS", 0.2)
    found = server(upstream)
    async with found.serve(["127.0.0.1"], 0) as [(host, port)]:
        idle, greedy = [await asyncio.open_connection(host, port) for _ in range(2)]
        refused = await asyncio.open_connection(host, port)
        assert await refused[0].read() == b""
        wire = dns.message.make_query(WEB, "A").to_wire()
        greedy[0]._transport.pause_reading()  # type: ignore[attr-defined]
        question = len(wire).to_bytes(2, "big") + wire
        try:
            while True:
                # It asks on and on, and takes nothing.
                greedy[1].write(question * 1000)
                await greedy[1].drain()
        except ConnectionError:
            assert await idle[0].read() == b""
        # Whoever asks at once has all the time.
        monkeypatch.setattr("steersman.dns.server.IDLE_SECONDS", TIMEOUT)
        answer = await dns.asyncquery.tcp(dns.message.make_query(WEB, "A"), host, port=port, timeout=TIMEOUT)
        assert answer.answer
        for _, writer in (idle, greedy, refused):
            writer.transport.abort()
