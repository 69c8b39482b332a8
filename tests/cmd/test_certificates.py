"""`steer certs`: what is shown of a cluster's certificates, and which are made anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steersman.cmd import certificates, kubeconfig, lifecycle, plan
from steersman.cmd.commands import certs as command
from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.pki import inventory
from steersman.pki.certs import Pair, Request, issue
from steersman.pki.files import wish, write_atomic

CONFIG = ClusterConfig(name="test", nodes=2, simulate=1, store="memory://", port=16443, dns_port=53)
NAMES = [
    "ca",
    "front-proxy-ca",
    "apiserver",
    "apiserver-kubelet-client",
    "front-proxy-client",
    "admin",
    "controller-manager",
    "scheduler",
    "proxy",
    "dns",
    "simulated",
    "nodes/node-1/kubelet-client",
    "nodes/node-1/kubelet-server",
    "nodes/node-2/kubelet-client",
    "nodes/node-2/kubelet-server",
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place("test", tmp_path / "data")
    lifecycle.write_credentials(CONFIG, found)
    lifecycle.write_kubeconfigs(CONFIG, found)
    ca = Pair(found.pki.ca.cert.read_bytes(), found.pki.ca.key.read_bytes())
    pair = issue(ca, Request("system:node:node-1", ("system:nodes",)), datetime.now(UTC))
    for file in (plan.kubelet_pair(found, "node-1"), plan.kubelet_serving_pair(found, "node-1")):
        write_atomic(file, pair.cert + pair.key)
    return found


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    return {"KUBECONFIG": str(tmp_path / "kubeconfig")}


def contents(place: Place) -> dict[str, bytes]:
    return {each.name: each.file.read_bytes() for each in certificates.known(CONFIG, place) if each.file.exists()}


def test_what_is_shown(place: Place, environment: Mapping[str, str]) -> None:
    now = datetime.now(UTC)
    kubeconfig.merge(lifecycle.access(CONFIG, place), None, environment)
    rows = certificates.listing(CONFIG, place, now, environment)
    assert [row["name"] for row in rows] == [*NAMES, "kubeconfig"]
    by_name = {row["name"]: row for row in rows}
    assert by_name["ca"]["authority"]
    assert by_name["ca"]["residualTime"] == "9y"
    admin = by_name["admin"]
    assert (admin["subject"], admin["issuer"]) == ("CN=steersman-admin,O=system:masters", "CN=steersman-ca")
    assert (admin["residualTime"], admin["renewedBy"], admin["purposes"]) == ("364d", "steer", ["client"])
    assert by_name["kubeconfig"]["serialNumber"] == admin["serialNumber"]
    assert by_name["nodes/node-1/kubelet-client"]["renewedBy"] == "kubelet"
    assert by_name["nodes/node-2/kubelet-client"]["problem"] == "missing"
    place.pki.scheduler.cert.write_text("nonsense")
    later = certificates.listing(CONFIG, place, now + timedelta(days=400), environment)
    by_name = {row["name"]: row for row in later}
    assert by_name["scheduler"]["problem"].startswith("unreadable: ")
    assert by_name["admin"]["residualTime"] == "expired"
    text = command.table(later)
    assert text.splitlines()[0].split() == [
        "NAME",
        "SUBJECT",
        "ISSUER",
        "EXPIRES",
        "RESIDUAL",
        "RENEWED",
        "BY",
        "WHERE",
    ]
    assert len(text.splitlines()) == len(later) + 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "expired"),
        (0, "expired"),
        (59, "59s"),
        (3599, "59m"),
        (7200, "2h"),
        (86400 * 364.5, "364d"),
        (86400 * 729, "729d"),
        (86400 * 3649, "9y"),
    ],
)
def test_residual_time(seconds: float, text: str) -> None:
    assert inventory.residual(seconds) == text


def test_good_ones_stay(place: Place, environment: Mapping[str, str]) -> None:
    before = contents(place)
    assert certificates.renew(CONFIG, place, environment) == []
    assert contents(place) == before


def test_those_that_end_soon_are_renewed(place: Place, environment: Mapping[str, str]) -> None:
    ca = Pair(place.pki.ca.cert.read_bytes(), place.pki.ca.key.read_bytes())
    old = issue(ca, Request("system:kube-scheduler"), datetime.now(UTC) - timedelta(days=300))
    place.pki.scheduler.cert.write_bytes(old.cert)
    place.pki.scheduler.key.write_bytes(old.key)
    assert certificates.renew(CONFIG, place, environment) == ["scheduler"]


def test_one_by_name(place: Place, environment: Mapping[str, str]) -> None:
    before = contents(place)
    assert certificates.renew(CONFIG, place, environment, certificates.chosen(CONFIG, place, "dns")) == ["dns"]
    after = contents(place)
    assert {name for name in after if after[name] != before[name]} == {"dns"}
    # The part's kubeconfig has it.
    assert kubeconfig._encode(after["dns"]) in place.part_kubeconfig("dns").read_text()


def test_all(place: Place, environment: Mapping[str, str]) -> None:
    path = Path(environment["KUBECONFIG"])
    kubeconfig.merge(lifecycle.access(CONFIG, place), None, environment)
    document = kubeconfig.read(path) or {}
    path.write_bytes(kubeconfig.render({**document, "current-context": "another"}))
    before = contents(place)
    renewed = certificates.renew(CONFIG, place, environment, certificates.chosen(CONFIG, place, "all"))
    # A kubelet that has none asks by itself.
    assert renewed == NAMES[2:-2]
    after = contents(place)
    assert {name for name in after if after[name] == before[name]} == {*NAMES[:2], *NAMES[-4:-2]}
    for file in (plan.kubelet_pair(place, "node-1"), plan.kubelet_serving_pair(place, "node-1")):
        assert wish(file).exists()
    # Who uses another context keeps it.
    document = kubeconfig.read(path) or {}
    assert document["current-context"] == "another"
    assert kubeconfig._encode(after["admin"]) in path.read_text()


def test_a_kubeconfig_without_the_cluster_stays(place: Place, environment: Mapping[str, str]) -> None:
    path = Path(environment["KUBECONFIG"])
    path.write_text("apiVersion: v1\nkind: Config\n")
    certificates.renew(CONFIG, place, environment, ["admin"])
    assert path.read_text() == "apiVersion: v1\nkind: Config\n"


def test_names(place: Place) -> None:
    assert certificates.chosen(CONFIG, place, "kubeconfig") == ["admin"]
    with pytest.raises(CommandError, match="ca is an authority"):
        certificates.chosen(CONFIG, place, "ca")
    with pytest.raises(CommandError, match="there is no certificate 'x'; there is all, apiserver"):
        certificates.chosen(CONFIG, place, "x")


def test_what_is_secret_is_private(place: Place) -> None:
    for directory, _, files in os.walk(place.directory):
        for name in files:
            path = Path(directory, name)
            if name.endswith((".key", ".pem", ".kubeconfig")):
                assert path.stat().st_mode & 0o077 == 0, path
    for directory in (place.pki.directory, place.part_kubeconfig("admin").parent):
        assert directory.stat().st_mode & 0o777 == 0o700
