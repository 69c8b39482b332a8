"""An upstream resolver on loopback whose answers the test decides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest_asyncio

from steersman.dns.forward import Upstream
from steersman.dns.server import bind

Answer = Callable[[dns.message.Message], dns.message.Message | None]


def addresses(count: int, ttl: int = 60) -> Answer:
    """Answers every question with so many addresses."""

    def answer(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        found = [f"192.0.2.{number}" for number in range(1, count + 1)]
        response.answer.append(dns.rrset.from_text_list(query.question[0].name, ttl, "IN", "A", found))
        return response

    return answer


def refuse(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.REFUSED)
    return response


def absent(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.NXDOMAIN)
    response.authority.append(dns.rrset.from_text("test.", 90, "IN", "SOA", "ns.test. a.test. 1 2 3 4 20"))
    return response


def silent(_: dns.message.Message) -> None:
    return None


class FakeUpstream(asyncio.DatagramProtocol):
    """Over UDP it cuts to 512 bytes and sets TC; over TCP it gives everything."""

    def __init__(self) -> None:
        self.answer: Answer = addresses(1)
        self.questions: list[str] = []
        self.asked = asyncio.Event()
        self.upstream = Upstream("127.0.0.1", 0)
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        response = self._respond(data, "udp")
        if response is None:
            return
        try:
            wire = response.to_wire(max_size=512)
        except dns.exception.TooBig:
            response.answer = []
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        self._transport.sendto(wire, addr)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        response = self._respond(await reader.readexactly(length), "tcp")
        if response is not None:
            wire = response.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()

    def _respond(self, data: bytes, way: str) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        self.questions.append(f"{way} {query.question[0].name}")
        self.asked.set()
        return self.answer(query)


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    made = FakeUpstream()
    stream, datagram = bind("127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: made, sock=datagram)
    server = await asyncio.start_server(made.stream, sock=stream)
    made.upstream = Upstream(*stream.getsockname())
    yield made
    transport.close()
    server.close()
    await server.wait_closed()
