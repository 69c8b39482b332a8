"""A cluster's credentials: who they name, how they are kept and renewed."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from steersman.pki.certs import LEAF_LIFETIME
from steersman.pki.layout import Credential, Layout, apiserver_hosts, ensure_cluster

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOSTS = apiserver_hosts("10.96.0.1", "machine", ("10.0.0.1",))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "pki")
    ensure_cluster(layout, HOSTS, NOW)
    return layout


def read(credential: Credential) -> x509.Certificate:
    return x509.load_pem_x509_certificate(credential.cert.read_bytes())


def subject(credential: Credential) -> tuple[str, list[str]]:
    name = read(credential).subject
    organizations = [str(part.value) for part in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value), organizations


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("admin", ("steersman-admin", ["system:masters"])),
        ("controller-manager", ("system:kube-controller-manager", [])),
        ("scheduler", ("system:kube-scheduler", [])),
        ("proxy", ("system:kube-proxy", [])),
        ("dns", ("system:steersman-dns", [])),
        ("apiserver-kubelet-client", ("kube-apiserver-kubelet-client", [])),
        ("front-proxy-client", ("front-proxy-client", [])),
    ],
)
def test_client_names(layout: Layout, name: str, expected: tuple[str, list[str]]) -> None:
    assert subject(layout.named(name)) == expected


def test_apiserver_certificate_names_every_way_to_it(layout: Layout) -> None:
    names = read(layout.apiserver).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == set(HOSTS)
    assert {"127.0.0.1", "localhost", "10.96.0.1", "10.0.0.1", "kubernetes.default.svc.cluster.local"} <= set(HOSTS)


def test_private_keys_are_private(layout: Layout) -> None:
    keys = list(layout.directory.rglob("*.key"))
    assert len(keys) == 11
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_openssl_takes_what_we_wrote(layout: Layout) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(layout.apiserver.cert, layout.apiserver.key)
    context.load_verify_locations(layout.ca.cert)


def contents(layout: Layout) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in layout.directory.rglob("*") if path.is_file()}


def test_second_start_keeps_everything(layout: Layout) -> None:
    before = contents(layout)
    assert ensure_cluster(layout, HOSTS, NOW + timedelta(days=1)) == []
    assert contents(layout) == before


def test_near_expiry_renews_leaves_and_keeps_authorities(layout: Layout) -> None:
    before = contents(layout)
    later = NOW + LEAF_LIFETIME * 0.9
    ensure_cluster(layout, HOSTS, later)
    after = contents(layout)
    kept = {path.name for path in before if before[path] == after[path]}
    assert kept == {"ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.key", "sa.pub"}
    assert read(layout.admin).not_valid_after_utc == later + LEAF_LIFETIME


def test_new_host_renews_the_serving_certificate_only(layout: Layout) -> None:
    assert ensure_cluster(layout, (*HOSTS, "10.0.0.9"), NOW) == [layout.apiserver.cert, layout.apiserver.key]


@pytest.mark.parametrize("damage", ["other key", "other authority", "garbage", "key missing"])
def test_unusable_certificate_is_made_again(layout: Layout, tmp_path: Path, damage: str) -> None:
    if damage == "other key":
        layout.admin.key.write_bytes(layout.dns.key.read_bytes())
    elif damage == "other authority":
        other = Layout(tmp_path / "other")
        ensure_cluster(other, HOSTS, NOW)
        layout.admin.cert.write_bytes(other.admin.cert.read_bytes())
        layout.admin.key.write_bytes(other.admin.key.read_bytes())
    elif damage == "garbage":
        layout.admin.cert.write_bytes(b"not a certificate")
    else:
        layout.admin.key.unlink()
    assert ensure_cluster(layout, HOSTS, NOW) == [layout.admin.cert, layout.admin.key]
    read(layout.admin).verify_directly_issued_by(read(layout.ca))


def test_hosts_are_unique_and_ordered() -> None:
    hosts = apiserver_hosts("10.96.0.1", "localhost", ("127.0.0.1", ""))
    assert hosts[0] == "127.0.0.1"
    assert len(hosts) == len(set(hosts))
    assert "" not in hosts
