"""Reading and cutting of messages."""

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.dns import messages
from steersman.dns.zone import Record


@given(st.binary(max_size=600))
def test_any_packet_is_read_or_refused(wire: bytes) -> None:
    read = messages.read_query(wire)
    if isinstance(read, bytes):
        assert read[:2] == wire[:2]
        assert read[2] & 0x80
        assert len(read) == 12


def test_responses_are_never_answered() -> None:
    query = dns.message.make_query("example.com", "A")
    assert messages.read_query(dns.message.make_response(query).to_wire()) is None
    assert messages.read_query(b"\0" * 11) is None


@pytest.mark.parametrize(
    ("change", "rcode"),
    [
        (lambda wire: wire[:-3], dns.rcode.FORMERR),
        (lambda wire: wire[:4] + b"\0\2" + wire[6:], dns.rcode.FORMERR),
        (lambda wire: wire[:4] + b"\0\0" + wire[6:12], dns.rcode.FORMERR),
        (lambda wire: wire[:2] + bytes([wire[2] | 2 << 3]) + wire[3:], dns.rcode.NOTIMP),
    ],
)
def test_refusals(change, rcode: dns.rcode.Rcode) -> None:  # type: ignore[no-untyped-def]
    refused = messages.read_query(change(dns.message.make_query("example.com", "A").to_wire()))
    assert isinstance(refused, bytes)
    assert refused[3] & 15 == rcode


@pytest.mark.parametrize(
    ("edns", "expected"), [(None, 512), (100, 512), (900, 900), (4096, messages.SAFE_PAYLOAD), (65535, 1232)]
)
def test_payload(edns: int | None, expected: int) -> None:
    query = dns.message.make_query("example.com", "A", use_edns=edns is not None, payload=edns or 1232)
    assert messages.payload(query) == expected


@pytest.mark.parametrize("count", [1, 27, 28, 29, 60, 500])
def test_an_answer_is_cut_to_fit_and_says_so(count: int) -> None:
    query = dns.message.make_query("db.shop.svc.cluster.local", "A", use_edns=False)
    response = messages.respond(query)
    name = "db.shop.svc.cluster.local"
    messages.add_records(response.answer, [Record(name, "A", f"10.0.{n // 250}.{n % 250}") for n in range(count)])
    wire = messages.encode(response, 512)
    assert len(wire) <= 512
    read = dns.message.from_wire(wire)
    kept = sum(len(each) for each in read.answer)
    assert bool(read.flags & dns.flags.TC) == (kept < count)
    assert kept == count or len(wire) + 16 > 512


def test_additional_records_go_first_and_silently() -> None:
    query = dns.message.make_query("a.test", "A", use_edns=False)
    response = messages.respond(query)
    messages.add_records(response.answer, [Record("a.test", "A", "10.0.0.1")])
    messages.add_records(response.additional, [Record(f"b{n}.test", "A", "10.0.0.2") for n in range(40)])
    read = dns.message.from_wire(messages.encode(response, 512))
    assert not read.flags & dns.flags.TC
    assert len(read.answer) == 1
    assert read.additional == []
