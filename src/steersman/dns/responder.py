"""What to say to a query: from the zone at once, or from upstream. It sees packets and times, not sockets."""

import logging
from collections import OrderedDict
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from steersman.dns import messages
from steersman.dns.forward import Forwarder, NoAnswer
from steersman.dns.zone import Found, Zone

PACKET_CACHE = 8192
# Aliases that lead to aliases are followed this far.
MAX_ALIASES = 8
# So many rotations of an answer with several addresses are given in turn.
ROTATIONS = 8

_ZONE_TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Packets:
    """The encoded answers to one query, without their ids, and whose turn it is."""

    tails: list[bytes]
    turn: int = 0


class Responder:
    """Answers packets. ``ready`` is false until the zone is complete: a name missing from half a zone is no NXDOMAIN."""

    def __init__(self, zone: Zone, forwarder: Forwarder) -> None:
        self.ready = False
        self._zone = zone
        self._forwarder = forwarder
        # Keyed by everything of the packet but its id, and by the size that the client takes.
        self._packets: OrderedDict[tuple[bytes, bool], _Packets] = OrderedDict()
        self._serial = zone.serial

    def at_once(self, wire: bytes, *, stream: bool) -> bytes | None:
        """An answer given before to the same bytes, while the zone is the same."""
        if self._serial != self._zone.serial:
            self._packets.clear()
            self._serial = self._zone.serial
            return None
        packets = self._packets.get((wire[2:], stream))
        if packets is None:
            return None
        packets.turn = (packets.turn + 1) % len(packets.tails)
        return wire[:2] + packets.tails[packets.turn]

    async def answer(self, wire: bytes, *, stream: bool) -> bytes | None:
        """The packet to send back; None when nothing may be sent. ``stream`` is TCP, where nothing is cut."""
        query = messages.read_query(wire)
        if not isinstance(query, dns.message.QueryMessage):
            return query
        try:
            return await self._answer(wire, query, stream)
        except (dns.exception.DNSException, ValueError) as error:
            # A name in the API that no message can carry must cost its own answer and no other.
            _log.warning("%s cannot be answered: %s", query.question[0].name, error)
            return messages.bare(wire, dns.rcode.SERVFAIL)

    async def _answer(self, wire: bytes, query: dns.message.QueryMessage, stream: bool) -> bytes:
        limit = messages.MAX_MESSAGE if stream else messages.payload(query)
        refusal = _refusal(query)
        if refusal is not None:
            return messages.encode(messages.respond(query, refusal), limit)
        name, kind = messages.question(query)
        found = self._zone.lookup(name, kind)
        if found is None:
            return messages.encode(await self._from_upstream(query), limit)
        if not self.ready:
            return messages.encode(messages.respond(query, dns.rcode.SERVFAIL), limit)
        if any(record.kind == "CNAME" for record in found.records):
            return messages.encode(await self._through_alias(query, found, kind), limit)
        tails = [messages.encode(each, limit)[2:] for each in self._rotations(query, found)]
        self._keep(wire, stream, tails)
        return wire[:2] + tails[0]

    def _keep(self, wire: bytes, stream: bool, tails: list[bytes]) -> None:
        if self._serial != self._zone.serial or len(wire) > messages.PLAIN_PAYLOAD:
            return
        self._packets[wire[2:], stream] = _Packets(tails)
        while len(self._packets) > PACKET_CACHE:
            self._packets.popitem(last=False)

    def _rotations(self, query: dns.message.Message, found: Found) -> list[dns.message.Message]:
        """The answer, as often as it has addresses to begin with: clients take the first, and so they are spread."""
        count = min(len(found.records), ROTATIONS) or 1
        made = []
        for number in range(count):
            turned = found.records[number:] + found.records[:number]
            made.append(self._from_zone(query, Found(found.exists, found.apex, turned, found.extra)))
        return made

    def _from_zone(self, query: dns.message.Message, found: Found) -> dns.message.Message:
        response = messages.respond(query, dns.rcode.NOERROR if found.exists else dns.rcode.NXDOMAIN)
        response.flags |= dns.flags.AA
        messages.add_records(response.answer, found.records, query.question[0].name)
        messages.add_records(response.additional, found.extra)
        if not found.records:
            messages.add_records(response.authority, [self._zone.authority(found.apex)])
        return response

    async def _from_upstream(self, query: dns.message.Message) -> dns.message.Message:
        if not query.flags & dns.flags.RD:
            return messages.respond(query, dns.rcode.REFUSED)
        try:
            return await self._forwarder.resolve(query)
        except NoAnswer as error:
            _log.debug("%s: %s", query.question[0].name, error)
            return messages.respond(query, dns.rcode.SERVFAIL)

    async def _through_alias(self, query: dns.message.Message, found: Found, kind: str) -> dns.message.Message:
        """The alias and, unless it was asked for itself, what it leads to."""
        response = self._from_zone(query, found)
        target = found.records[0].data
        for _ in range(MAX_ALIASES if kind not in ("CNAME", "ANY") else 0):
            further = self._zone.lookup(target.rstrip("."), kind)
            if further is None:
                await self._append_upstream(response, query, target)
                break
            messages.add_records(response.answer, further.records)
            if not any(record.kind == "CNAME" for record in further.records):
                if not further.records:
                    response.set_rcode(dns.rcode.NOERROR if further.exists else dns.rcode.NXDOMAIN)
                    messages.add_records(response.authority, [self._zone.authority(further.apex)])
                break
            target = further.records[0].data
        return response

    async def _append_upstream(self, response: dns.message.Message, query: dns.message.Message, target: str) -> None:
        asked = dns.message.make_query(dns.name.from_text(target), query.question[0].rdtype)
        outside = await self._from_upstream(asked)
        response.answer += outside.answer
        response.authority += outside.authority
        response.set_rcode(outside.rcode())


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    """Why a well-formed query is not answered; None when it is."""
    asked = query.question[0]
    if query.edns > 0:
        return dns.rcode.BADVERS
    if asked.rdclass not in (dns.rdataclass.IN, dns.rdataclass.ANY) or asked.rdtype in _ZONE_TRANSFERS:
        return dns.rcode.REFUSED
    return None
