"""Questions about the rest of the world: asked of the upstream resolvers, remembered for as long as the answers say."""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from steersman.api.clock import Clock
from steersman.dns.messages import respond

TIMEOUT = 2.0
# A server that did not answer is asked last for this long.
PENALTY = 10.0
MAX_SERVERS = 8
CACHE_SIZE = 4096
MAX_TTL = 3600
MAX_NEGATIVE_TTL = 30


class NoAnswer(Exception):
    """No upstream resolver gave an answer; the message says what each one did."""


@dataclass(frozen=True, slots=True)
class Upstream:
    address: str
    port: int = 53


def parse_resolv_conf(text: str, own: frozenset[str] = frozenset()) -> list[Upstream]:
    """The servers of a resolver configuration in order, each once, without ``own`` addresses (a loop)."""
    found: dict[Upstream, None] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and words[1] not in own and _is_address(words[1]):
            found[Upstream(words[1])] = None
    return list(found)[:MAX_SERVERS]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class _Exchange(asyncio.DatagramProtocol):
    """One question over UDP on a socket of its own: a random port is what makes forged answers hard."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.DatagramTransport", transport).sendto(self._wire)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[:2] == self._wire[:2] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


class Forwarder:
    """Asks the servers in order, those that failed lately last."""

    def __init__(self, servers: list[Upstream], clock: Clock, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._servers = servers
        self._clock = clock
        self._failed: dict[Upstream, float] = {}
        self._cache: OrderedDict[tuple[object, ...], tuple[float, float, dns.message.Message]] = OrderedDict()

    def set_servers(self, servers: list[Upstream]) -> None:
        """Replaces the resolvers, as when the machine joins another network; other resolvers may know other answers."""
        if servers != self._servers:
            self._servers = servers
            self._failed.clear()
            self._cache.clear()

    @property
    def servers(self) -> list[Upstream]:
        """In the order they will be asked now."""
        now = self._clock.monotonic()
        return sorted(self._servers, key=lambda server: self._failed.get(server, -PENALTY) + PENALTY > now)

    async def resolve(self, query: dns.message.Message) -> dns.message.Message:
        """The answer to the query, from memory or upstream. Raises NoAnswer."""
        key = _key(query)
        known = self._remembered(query, key)
        if known is not None:
            return known
        asked = dns.message.make_query(
            query.question[0].name, query.question[0].rdtype, query.question[0].rdclass, use_edns=query.edns >= 0
        )
        asked.flags = (asked.flags | query.flags) & (dns.flags.RD | dns.flags.CD | dns.flags.AD)
        if query.edns >= 0:
            asked.use_edns(0, query.ednsflags, 1232)
        answer = await self._ask_all(asked)
        self._remember(key, answer)
        return _for_query(query, answer, 0.0)

    async def _ask_all(self, query: dns.message.Message) -> dns.message.Message:
        tried, servers = [], self.servers
        for server in servers:
            try:
                answer = await self._ask(server, query)
            except (OSError, TimeoutError, EOFError, dns.exception.DNSException) as error:
                tried.append(f"{server.address}: {str(error) or type(error).__name__}")
                self._failed[server] = self._clock.monotonic()
                continue
            if answer.rcode() in (dns.rcode.SERVFAIL, dns.rcode.REFUSED) and server != servers[-1]:
                tried.append(f"{server.address}: {dns.rcode.to_text(answer.rcode())}")
                continue
            self._failed.pop(server, None)
            return answer
        raise NoAnswer("; ".join(tried) or "there is no upstream resolver")

    async def _ask(self, server: Upstream, query: dns.message.Message) -> dns.message.Message:
        query.id = secrets.randbits(16)
        wire = query.to_wire()
        async with asyncio.timeout(self._timeout):
            answer = dns.message.from_wire(await _by_udp(server, wire), ignore_trailing=True)
        if answer.flags & dns.flags.TC:
            async with asyncio.timeout(self._timeout):
                answer = dns.message.from_wire(await _by_tcp(server, wire), ignore_trailing=True)
        if not query.is_response(answer):
            raise ConnectionError("the answer is to another question")
        return answer

    # Memory

    def _remembered(self, query: dns.message.Message, key: tuple[object, ...]) -> dns.message.Message | None:
        entry = self._cache.get(key)
        if entry is None:
            return None
        stored, until, answer = entry
        now = self._clock.monotonic()
        if now >= until:
            del self._cache[key]
            return None
        self._cache.move_to_end(key)
        return _for_query(query, answer, now - stored)

    def _remember(self, key: tuple[object, ...], answer: dns.message.Message) -> None:
        seconds = cache_seconds(answer)
        if seconds <= 0:
            return
        now = self._clock.monotonic()
        self._cache[key] = (now, now + seconds, answer)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)


def _key(query: dns.message.Message) -> tuple[object, ...]:
    asked = query.question[0]
    kept = query.flags & (dns.flags.CD | dns.flags.AD | dns.flags.RD)
    return asked.name, asked.rdtype, asked.rdclass, query.ednsflags if query.edns >= 0 else None, kept


def cache_seconds(answer: dns.message.Message) -> float:
    """How long an answer may be remembered: its least TTL, or for an absence what the SOA allows; 0 is not at all."""
    rcode = answer.rcode()
    if rcode == dns.rcode.NOERROR and answer.answer:
        return float(min(MAX_TTL, *(each.ttl for each in answer.answer), *(each.ttl for each in answer.authority)))
    if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        for each in answer.authority:
            if each.rdtype == dns.rdatatype.SOA:
                return float(min(MAX_NEGATIVE_TTL, each.ttl, each[0].minimum))
    return 0


def _for_query(query: dns.message.Message, answer: dns.message.Message, age: float) -> dns.message.Message:
    """The remembered answer as one to this query, with times to live that have gone down meanwhile."""
    response = respond(query)
    response.set_rcode(answer.rcode())
    response.flags |= answer.flags & (dns.flags.AD | dns.flags.AA)
    name = query.question[0].name
    response.answer = [_aged(each, age, name) for each in answer.answer]
    response.authority = [_aged(each, age, name) for each in answer.authority]
    response.additional = [_aged(each, age, name) for each in answer.additional]
    return response


def _aged(each: dns.rrset.RRset, age: float, name: dns.name.Name) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name if each.name == name else each.name, max(0, int(each.ttl - age)), list(each))


async def _by_udp(server: Upstream, wire: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_datagram_endpoint(
        lambda: _Exchange(wire), remote_addr=(server.address, server.port)
    )
    try:
        return await exchange.answer
    finally:
        transport.close()


async def _by_tcp(server: Upstream, wire: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    finally:
        writer.close()
