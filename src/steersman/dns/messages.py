"""DNS messages: reading queries, writing answers, and cutting them to what a client can take. No I/O."""

from collections.abc import Iterable, Sequence

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from steersman.dns.zone import TTL, Record

# Largest datagram that crosses every network unfragmented; what we say we take, and the most we send.
SAFE_PAYLOAD = 1232
PLAIN_PAYLOAD = 512
MAX_MESSAGE = 65535

_HEADER = 12
_RESPONSE_BIT = 0x80


def read_query(wire: bytes) -> dns.message.QueryMessage | bytes | None:
    """The query in a packet; or the refusal to send back when it is malformed; or None when nothing may be sent
    (a response, or less than a header: answering those would let two servers talk for ever)."""
    if len(wire) < _HEADER or wire[2] & _RESPONSE_BIT:
        return None
    try:
        message = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError):
        return bare(wire, dns.rcode.FORMERR)
    if message.opcode() != dns.opcode.QUERY or not isinstance(message, dns.message.QueryMessage):
        return bare(wire, dns.rcode.NOTIMP)
    if len(message.question) != 1:
        return bare(wire, dns.rcode.FORMERR)
    return message


def bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """An answer of a header alone, to a packet that cannot be read further."""
    return wire[:2] + bytes([_RESPONSE_BIT | (wire[2] & 0x79), int(rcode)]) + bytes(8)


def question(query: dns.message.Message) -> tuple[str, str]:
    """(lower-case name without the last dot, type) that is asked about."""
    asked = query.question[0]
    return asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)


def respond(query: dns.message.Message, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    """An empty answer to the query."""
    response = dns.message.make_response(query, recursion_available=True, our_payload=SAFE_PAYLOAD)
    response.set_rcode(rcode)
    return response


def add_records(
    section: list[dns.rrset.RRset], records: Iterable[Record], question_name: dns.name.Name | None = None
) -> None:
    """Appends records in their order. ``question_name`` keeps the spelling that was asked with."""
    for record in records:
        name = dns.name.from_text(record.name)
        if question_name is not None and name == question_name:
            name = question_name
        # A set for each: encoding shuffles within a set, and the order here is meant.
        section.append(dns.rrset.from_text(name, TTL, "IN", record.kind, record.data))


def payload(query: dns.message.Message) -> int:
    """Largest datagram that the client takes from us."""
    if query.edns < 0:
        return PLAIN_PAYLOAD
    return max(PLAIN_PAYLOAD, min(query.payload, SAFE_PAYLOAD))


def encode(response: dns.message.Message, limit: int) -> bytes:
    """The message in at most ``limit`` bytes: without additional records if need be, then with fewer answers and TC."""
    wire = _try(response, limit)
    if wire is not None:
        return wire
    response.additional = []
    wire = _try(response, limit)
    if wire is not None:
        return wire
    response.flags |= dns.flags.TC
    response.authority = []
    answer = response.answer
    fits, too_many = 0, sum(len(each) for each in answer)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        response.answer = _first(answer, middle)
        fits, too_many = (middle, too_many) if _try(response, limit) is not None else (fits, middle)
    response.answer = _first(answer, fits)
    return response.to_wire(max_size=MAX_MESSAGE)


def _try(response: dns.message.Message, limit: int) -> bytes | None:
    try:
        wire: bytes = response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        return None
    return wire


def _first(sets: Sequence[dns.rrset.RRset], count: int) -> list[dns.rrset.RRset]:
    """The first ``count`` records, in their sets."""
    found = []
    for each in sets:
        if count <= 0:
            break
        chosen = list(each)[:count]
        found.append(dns.rrset.from_rdata_list(each.name, each.ttl, chosen))
        count -= len(chosen)
    return found
