"""Every kind of name, found and not found."""

from ipaddress import IPv4Network

import pytest
from tests.dns.builders import endpoint, headless, service, slice_of

from steersman.dns.records import service_records
from steersman.dns.zone import Zone


@pytest.fixture
def zone() -> Zone:
    made = Zone("cluster.local", [IPv4Network("10.96.0.0/16"), IPv4Network("10.244.0.0/16")], "10.96.0.10")
    for name in ("shop", "empty"):
        made.set_namespace(name, present=True)
    made.set_service("shop", "web", service_records(service(), []))
    made.set_service("shop", "out", service_records(service(type="ExternalName", externalName="example.com"), []))
    made.set_service("shop", "idle", service_records(headless(), []))
    ends = [endpoint("10.244.0.5", "db-0"), endpoint("10.244.1.6", "db-1"), endpoint("10.244.1.7")]
    made.set_service("shop", "db", service_records(headless(), [slice_of(*ends)]))
    return made


def data(zone: Zone, name: str, kind: str) -> list[str] | None:
    """The records' data; None for a name that does not exist."""
    found = zone.lookup(name, kind)
    assert found is not None
    return [record.data for record in found.records] if found.exists else None


SVC = "svc.cluster.local"
DB_PORTS = [
    f"0 33 5432 10-244-1-7.db.shop.{SVC}.",
    f"0 33 5432 db-0.db.shop.{SVC}.",
    f"0 33 5432 db-1.db.shop.{SVC}.",
]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (f"web.shop.{SVC}", "A", ["10.96.0.7"]),
        (f"web.shop.{SVC}", "AAAA", []),
        (f"web.shop.{SVC}", "MX", []),
        (f"web.shop.{SVC}", "ANY", ["10.96.0.7"]),
        (f"web.empty.{SVC}", "A", None),
        (f"nothing.shop.{SVC}", "A", None),
        (f"a.web.shop.{SVC}", "A", None),
        (f"_http._tcp.web.shop.{SVC}", "SRV", [f"0 100 80 web.shop.{SVC}."]),
        (f"_http._tcp.web.shop.{SVC}", "A", []),
        (f"_http._udp.web.shop.{SVC}", "SRV", None),
        (f"_tcp.web.shop.{SVC}", "SRV", []),
        (f"_udp.web.shop.{SVC}", "SRV", None),
        (f"http._tcp.web.shop.{SVC}", "SRV", None),
        (f"x._http._tcp.web.shop.{SVC}", "SRV", None),
        (f"db.shop.{SVC}", "A", ["10.244.0.5", "10.244.1.6", "10.244.1.7"]),
        (f"db-1.db.shop.{SVC}", "A", ["10.244.1.6"]),
        (f"db-1.db.shop.{SVC}", "AAAA", []),
        (f"10-244-1-7.db.shop.{SVC}", "A", ["10.244.1.7"]),
        (f"db-2.db.shop.{SVC}", "A", None),
        (f"_sql._tcp.db.shop.{SVC}", "SRV", DB_PORTS),
        (f"idle.shop.{SVC}", "A", None),
        (f"out.shop.{SVC}", "A", ["example.com."]),
        (f"out.shop.{SVC}", "CNAME", ["example.com."]),
        (f"a.out.shop.{SVC}", "A", None),
        (f"shop.{SVC}", "A", []),
        (f"nowhere.{SVC}", "A", None),
        (SVC, "A", []),
        ("pod.cluster.local", "A", []),
        ("shop.pod.cluster.local", "A", []),
        ("nowhere.pod.cluster.local", "A", None),
        ("10-244-0-5.shop.pod.cluster.local", "A", ["10.244.0.5"]),
        ("10-244-0-5.shop.pod.cluster.local", "AAAA", []),
        ("fd00--5.shop.pod.cluster.local", "AAAA", ["fd00::5"]),
        ("10-244-0-555.shop.pod.cluster.local", "A", None),
        ("10-244-0-5.nowhere.pod.cluster.local", "A", None),
        ("a.10-244-0-5.shop.pod.cluster.local", "A", None),
        ("dns-version.cluster.local", "TXT", ['"1.1.0"']),
        ("dns-version.cluster.local", "A", []),
        ("cluster.local", "NS", ["ns.dns.cluster.local."]),
        ("cluster.local", "A", []),
        ("ns.dns.cluster.local", "A", ["10.96.0.10"]),
        ("dns.cluster.local", "A", []),
        ("other.cluster.local", "A", None),
        ("example.com.shop.svc.cluster.local", "A", None),
        ("7.0.96.10.in-addr.arpa", "PTR", [f"web.shop.{SVC}."]),
        ("7.0.96.10.in-addr.arpa", "A", []),
        ("6.1.244.10.in-addr.arpa", "PTR", [f"db-1.db.shop.{SVC}."]),
        ("8.0.96.10.in-addr.arpa", "PTR", None),
        ("96.10.in-addr.arpa", "PTR", []),
    ],
)
def test_lookup(zone: Zone, name: str, kind: str, expected: list[str] | None) -> None:
    assert data(zone, name, kind) == expected


@pytest.mark.parametrize("name", ["example.com", "local", "notcluster.local", "1.2.0.192.in-addr.arpa", "x.ip6.arpa"])
def test_names_of_others(zone: Zone, name: str) -> None:
    assert zone.lookup(name, "A") is None


def test_ports_bring_the_addresses_of_their_hosts(zone: Zone) -> None:
    found = zone.lookup(f"_sql._tcp.db.shop.{SVC}", "SRV")
    assert found is not None
    assert {(record.name, record.data) for record in found.extra} == {
        (f"db-0.db.shop.{SVC}", "10.244.0.5"),
        (f"db-1.db.shop.{SVC}", "10.244.1.6"),
        (f"10-244-1-7.db.shop.{SVC}", "10.244.1.7"),
    }


def test_changes_raise_the_serial_and_repeats_do_not(zone: Zone) -> None:
    before = zone.serial
    assert not zone.set_service("shop", "web", service_records(service(), []))
    zone.set_namespace("shop", present=True)
    assert not zone.set_service("shop", "unknown", None)
    assert zone.serial == before
    assert zone.set_service("shop", "web", service_records(service(clusterIP="10.96.0.8"), []))
    assert zone.serial == before + 1
    assert data(zone, "7.0.96.10.in-addr.arpa", "PTR") is None
    assert data(zone, "8.0.96.10.in-addr.arpa", "PTR") == [f"web.shop.{SVC}."]
    zone.set_service("shop", "web", None)
    assert data(zone, f"web.shop.{SVC}", "A") is None
    assert data(zone, "8.0.96.10.in-addr.arpa", "PTR") is None


def test_the_soa_says_how_long_an_absence_lasts(zone: Zone) -> None:
    record = zone.authority("cluster.local")
    assert record.kind == "SOA"
    assert record.data.startswith("ns.dns.cluster.local. hostmaster.cluster.local. ")
    assert record.data.endswith(" 5")
