"""Asking upstream: order, failures, truncation and memory."""

import dns.flags
import dns.message
import dns.rcode
import pytest
from tests.dns.conftest import FakeUpstream, absent, addresses, refuse, silent

from steersman.api.clock import FakeClock
from steersman.dns.forward import MAX_SERVERS, Forwarder, NoAnswer, Upstream, cache_seconds, parse_resolv_conf

SHORT = 0.05


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nameserver 192.0.2.9\nsearch a b\nnameserver 192.0.2.1\n", ["192.0.2.1"]),
        (
            "nameserver 192.0.2.1\nnameserver 10.96.0.10\nnameserver fd00::1\nnameserver 192.0.2.1",
            ["192.0.2.1", "fd00::1"],
        ),
        ("nameserver\nnameserver nonsense\n", []),
        ("\n".join(f"nameserver 192.0.2.{n}" for n in range(20)), [f"192.0.2.{n}" for n in range(MAX_SERVERS)]),
    ],
)
def test_parse_resolv_conf(text: str, expected: list[str]) -> None:
    assert [server.address for server in parse_resolv_conf(text, frozenset(["10.96.0.10"]))] == expected


def ask(name: str = "example.com", **more: bool) -> dns.message.Message:
    return dns.message.make_query(name, "A", **more)


async def test_the_answer_is_the_querys_own(upstream: FakeUpstream) -> None:
    query = ask("ExAmple.com")
    answer = await Forwarder([upstream.upstream], FakeClock()).resolve(query)
    assert query.is_response(answer)
    assert answer.answer[0].name.to_text() == "ExAmple.com."
    assert answer.flags & dns.flags.RA


async def test_a_cut_answer_is_fetched_whole(upstream: FakeUpstream) -> None:
    upstream.answer = addresses(100)
    answer = await Forwarder([upstream.upstream], FakeClock()).resolve(ask())
    assert len(answer.answer[0]) == 100
    assert [question.partition(" ")[0] for question in upstream.questions] == ["udp", "tcp"]


async def test_answers_are_remembered_and_age(upstream: FakeUpstream) -> None:
    clock = FakeClock()
    forwarder = Forwarder([upstream.upstream], clock)
    assert (await forwarder.resolve(ask())).answer[0].ttl == 60
    await clock.advance(25)
    again = ask("EXAMPLE.com")
    answer = await forwarder.resolve(again)
    assert again.is_response(answer)
    assert answer.answer[0].ttl == 35
    assert len(upstream.questions) == 1
    await clock.advance(35)
    await forwarder.resolve(ask())
    assert len(upstream.questions) == 2


async def test_absence_is_remembered_as_the_soa_says(upstream: FakeUpstream) -> None:
    clock = FakeClock()
    upstream.answer = absent
    forwarder = Forwarder([upstream.upstream], clock)
    for expected in (1, 1):
        assert (await forwarder.resolve(ask())).rcode() == dns.rcode.NXDOMAIN
        assert len(upstream.questions) == expected
    await clock.advance(20)
    await forwarder.resolve(ask())
    assert len(upstream.questions) == 2


async def test_a_silent_or_unwilling_server_is_passed_over(upstream: FakeUpstream) -> None:
    closed = Upstream("127.0.0.1", 1)
    clock = FakeClock()
    forwarder = Forwarder([closed, upstream.upstream], clock)
    assert (await forwarder.resolve(ask())).answer
    # The one that failed is asked last for a while.
    assert forwarder.servers == [upstream.upstream, closed]
    await clock.advance(11)
    assert forwarder.servers == [closed, upstream.upstream]


async def test_no_server_is_an_answer_at_once() -> None:
    with pytest.raises(NoAnswer, match="there is no upstream resolver"):
        await Forwarder([], FakeClock()).resolve(ask())


async def test_silence_ends(upstream: FakeUpstream) -> None:
    upstream.answer = silent
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1: TimeoutError"):
        await Forwarder([upstream.upstream], FakeClock(), SHORT).resolve(ask())


async def test_the_last_servers_refusal_is_handed_on(upstream: FakeUpstream) -> None:
    upstream.answer = refuse
    forwarder = Forwarder([upstream.upstream], FakeClock())
    answer = await forwarder.resolve(ask())
    assert answer.rcode() == dns.rcode.REFUSED
    assert cache_seconds(answer) == 0


async def test_new_servers_forget_what_the_old_ones_said(upstream: FakeUpstream) -> None:
    forwarder = Forwarder([upstream.upstream], FakeClock())
    await forwarder.resolve(ask())
    forwarder.set_servers([upstream.upstream])
    await forwarder.resolve(ask())
    assert len(upstream.questions) == 1
    forwarder.set_servers([])
    with pytest.raises(NoAnswer):
        await forwarder.resolve(ask())
