"""Whole answers, packet in, packet out."""

from ipaddress import IPv4Network

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import pytest
from tests.dns.builders import endpoint, headless, service, slice_of
from tests.dns.conftest import FakeUpstream, absent

from steersman.api.clock import FakeClock
from steersman.dns.forward import Forwarder, Upstream
from steersman.dns.records import service_records
from steersman.dns.responder import Responder
from steersman.dns.zone import TTL, Zone

WEB = "web.shop.svc.cluster.local"


def responder(*servers: Upstream) -> tuple[Responder, Zone]:
    zone = Zone("cluster.local", [IPv4Network("10.96.0.0/16")])
    zone.set_namespace("shop", present=True)
    zone.set_service("shop", "web", service_records(service(), []))
    made = Responder(zone, Forwarder(list(servers), FakeClock()))
    made.ready = True
    return made, zone


async def ask(made: Responder, query: dns.message.Message, *, stream: bool = False) -> dns.message.Message:
    wire = query.to_wire()
    said = made.at_once(wire, stream=stream) or await made.answer(wire, stream=stream)
    assert said is not None
    answer = dns.message.from_wire(said)
    assert query.is_response(answer)
    return answer


async def test_a_name_of_the_zone() -> None:
    made, _ = responder()
    answer = await ask(made, dns.message.make_query("WEB.shop.svc.Cluster.local", "A"))
    assert answer.flags & dns.flags.AA
    assert answer.answer[0].to_text() == f"WEB.shop.svc.Cluster.local. {TTL} IN A 10.96.0.7"


@pytest.mark.parametrize(
    ("name", "kind", "rcode"), [(WEB, "AAAA", dns.rcode.NOERROR), (f"x.{WEB}", "A", dns.rcode.NXDOMAIN)]
)
async def test_absence_comes_with_the_soa(name: str, kind: str, rcode: dns.rcode.Rcode) -> None:
    made, _ = responder()
    answer = await ask(made, dns.message.make_query(name, kind))
    assert answer.rcode() == rcode
    assert answer.answer == []
    assert answer.authority[0].name.to_text() == "cluster.local."


async def test_the_same_question_is_answered_at_once_until_the_zone_changes() -> None:
    made, zone = responder()
    query = dns.message.make_query(WEB, "A")
    assert made.at_once(query.to_wire(), stream=False) is None
    first = await ask(made, query)
    query.id = 77
    again = made.at_once(query.to_wire(), stream=False)
    assert again is not None
    assert query.is_response(dns.message.from_wire(again))
    assert dns.message.from_wire(again).answer == first.answer
    zone.set_service("shop", "web", service_records(service(clusterIP="10.96.0.8"), []))
    assert made.at_once(query.to_wire(), stream=False) is None
    assert (await ask(made, query)).answer[0][0].to_text() == "10.96.0.8"


async def test_several_addresses_take_turns() -> None:
    made, zone = responder()
    ends = [endpoint(f"10.244.0.{number}") for number in (1, 2, 3)]
    zone.set_service("shop", "db", service_records(headless(), [slice_of(*ends)]))
    query = dns.message.make_query("db.shop.svc.cluster.local", "A")
    firsts = [(await ask(made, query)).answer[0][0].to_text() for _ in range(6)]
    assert sorted(firsts) == sorted(["10.244.0.1", "10.244.0.2", "10.244.0.3"] * 2)


@pytest.mark.parametrize(
    ("change", "rcode"),
    [
        ({"rdclass": "CH"}, dns.rcode.REFUSED),
        ({"rdtype": "AXFR"}, dns.rcode.REFUSED),
        ({"use_edns": 1}, dns.rcode.BADVERS),
    ],
)
async def test_refusals(change: dict[str, object], rcode: dns.rcode.Rcode) -> None:
    made, _ = responder()
    answer = await ask(made, dns.message.make_query(WEB, **{"rdtype": "A", **change}))
    assert answer.rcode() == rcode


async def test_an_incomplete_zone_denies_nothing() -> None:
    made, _ = responder()
    made.ready = False
    assert (await ask(made, dns.message.make_query(WEB, "A"))).rcode() == dns.rcode.SERVFAIL


async def test_others_names_go_upstream(upstream: FakeUpstream) -> None:
    made, _ = responder(upstream.upstream)
    answer = await ask(made, dns.message.make_query("example.com", "A"))
    assert answer.answer[0][0].to_text() == "192.0.2.1"
    assert not answer.flags & dns.flags.AA
    query = dns.message.make_query("example.com", "A", flags=0)
    assert (await ask(made, query)).rcode() == dns.rcode.REFUSED


async def test_no_upstream_fails() -> None:
    made, _ = responder()
    assert (await ask(made, dns.message.make_query("example.com", "A"))).rcode() == dns.rcode.SERVFAIL


async def test_an_alias_is_followed(upstream: FakeUpstream) -> None:
    made, zone = responder(upstream.upstream)
    for name, target in (("out", "example.com"), ("in", WEB), ("loop", "loop.shop.svc.cluster.local")):
        alias = service(type="ExternalName", clusterIP="", externalName=target)
        zone.set_service("shop", name, service_records(alias, []))
    for name, address in (("out", "192.0.2.1"), ("in", "10.96.0.7")):
        answer = await ask(made, dns.message.make_query(f"{name}.shop.svc.cluster.local", "A"))
        assert [each[0].to_text() for each in answer.answer][1] == address
    only = await ask(made, dns.message.make_query("out.shop.svc.cluster.local", "CNAME"))
    assert [each[0].to_text() for each in only.answer] == ["example.com."]
    assert (await ask(made, dns.message.make_query("loop.shop.svc.cluster.local", "A"))).answer
    upstream.answer = absent
    gone = await ask(made, dns.message.make_query("out.shop.svc.cluster.local", "AAAA"))
    assert gone.rcode() == dns.rcode.NXDOMAIN
    assert len(gone.answer) == 1


async def test_a_name_no_message_can_carry_costs_its_own_answer_only() -> None:
    made, zone = responder()
    bad = service(type="ExternalName", clusterIP="", externalName=f"{'a' * 64}.test")
    zone.set_service("shop", "bad", service_records(bad, []))
    wire = dns.message.make_query("bad.shop.svc.cluster.local", "A").to_wire()
    said = await made.answer(wire, stream=False)
    assert said is not None
    assert said[3] & 15 == dns.rcode.SERVFAIL
    assert (await ask(made, dns.message.make_query(WEB, "A"))).answer


async def test_streams_carry_what_datagrams_cannot() -> None:
    made, zone = responder()
    ends = [endpoint(f"10.244.0.{number}") for number in range(1, 201)]
    zone.set_service("shop", "db", service_records(headless(), [slice_of(*ends)]))
    query = dns.message.make_query("db.shop.svc.cluster.local", "A", use_edns=False)
    cut = await ask(made, query)
    assert cut.flags & dns.flags.TC
    assert 20 < len(cut.answer[0]) < 200
    assert len((await ask(made, query, stream=True)).answer[0]) == 200
