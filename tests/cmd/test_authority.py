"""Another authority in the place of a cluster's own: at each step everybody trusts whoever has signed what is in use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from steersman.cmd import authority, certificates, kubeconfig, lifecycle, plan
from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.pki import inventory
from steersman.pki.certs import Pair, Request, issue
from steersman.pki.files import wish, write_atomic

CONFIG = ClusterConfig(name="test", nodes=1, store="memory://", port=16443, dns_port=53)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place("test", tmp_path / "data")
    lifecycle.write_credentials(CONFIG, found)
    lifecycle.write_kubeconfigs(CONFIG, found)
    kubelets(found)
    return found


@pytest.fixture
def environment(tmp_path: Path, place: Place) -> Mapping[str, str]:
    found = {"KUBECONFIG": str(tmp_path / "kubeconfig")}
    kubeconfig.merge(lifecycle.access(CONFIG, place), None, found)
    return found


def kubelets(place: Place) -> None:
    """What the node's kubelet does when it is asked to."""
    ca = Pair(place.pki.ca.cert.read_bytes(), place.pki.ca.key.read_bytes())
    pair = issue(ca, Request("system:node:node-1", ("system:nodes",)), datetime.now(UTC))
    for file in (plan.kubelet_pair(place, "node-1"), plan.kubelet_serving_pair(place, "node-1")):
        write_atomic(file, pair.cert + pair.key)
        wish(file).unlink(missing_ok=True)


def check(place: Place, environment: Mapping[str, str]) -> None:
    """What is used is signed by one that is trusted, by the parts and by the administrator."""
    trusted = place.pki.ca.cert.read_bytes()
    for each in certificates.known(CONFIG, place):
        if each.name not in ("front-proxy-ca", "front-proxy-client"):
            assert inventory.signed_by(each.file.read_bytes(), trusted), each.name
    encoded = kubeconfig._encode(trusted)
    for path in (
        place.part_kubeconfig("scheduler"),
        place.part_kubeconfig("node-1-kubelet"),
        Path(environment["KUBECONFIG"]),
    ):
        assert encoded in path.read_text().replace("\n", "").replace(" ", ""), path


def signer(place: Place, name: str) -> bytes:
    """Which of the trusted authorities has signed a certificate."""
    pem = place.pki.named(name).cert.read_bytes()
    return next(c for c in authority.bundle(place) if inventory.signed_by(pem, c))


def test_the_three_steps(place: Place, environment: Mapping[str, str]) -> None:
    (old,) = authority.bundle(place)
    check(place, environment)
    assert authority.rotate("prepare", CONFIG, place, environment) == []
    assert authority.state(place) == "prepared"
    check(place, environment)
    assert signer(place, "apiserver") == old
    assert authority.bundle(place)[0] == old
    rows = certificates.listing(CONFIG, place, datetime.now(UTC), environment)
    assert [row["name"] for row in rows][:3] == ["ca", "ca", "front-proxy-ca"]
    # Once more does no harm.
    both = authority.bundle(place)
    authority.rotate("prepare", CONFIG, place, environment)
    assert authority.bundle(place) == both

    renewed = authority.rotate("switch", CONFIG, place, environment)
    assert {"apiserver", "admin", "nodes/node-1/kubelet-client"} <= set(renewed)
    assert authority.state(place) == "switched"
    check(place, environment)
    new = authority.bundle(place)[0]
    assert new != old
    assert signer(place, "apiserver") == new
    assert not place.pki.named("ca-next").key.exists()

    with pytest.raises(CommandError, match="nodes/node-1/kubelet-client, nodes/node-1/kubelet-server"):
        authority.rotate("finish", CONFIG, place, environment)
    kubelets(place)
    authority.rotate("finish", CONFIG, place, environment)
    assert authority.state(place) == "steady"
    assert authority.bundle(place) == [new]
    check(place, environment)
    assert place.pki.ca.key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("step", "age", "waits"),
    [("prepare", 0, 0), ("switch", 0, 12), ("switch", 5, 7), ("finish", 11, 1), ("finish", 13, 0), ("finish", -9, 12)],
)
def test_a_step_waits_until_the_one_before_has_reached_everybody(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str, age: int, waits: int
) -> None:
    now = datetime.now(UTC)
    assert authority.untaken(step, CONFIG, place, now) == 0
    monkeypatch.setattr(lifecycle, "running", lambda _: True)
    for each in certificates.known(CONFIG, place):
        if each.file.exists():
            os.utime(each.file, (now.timestamp() - age,) * 2)
    assert authority.untaken(step, CONFIG, place, now) == pytest.approx(waits, abs=0.01)


class Killed(BaseException):
    """The power is gone."""


@pytest.mark.parametrize("writes", range(4))
def test_a_switch_that_was_interrupted_is_repeated(
    place: Place, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    authority.rotate("prepare", CONFIG, place, environment)
    old, new = authority.bundle(place)
    left = writes

    def counted(act: Callable[..., None]) -> Callable[..., None]:
        def acting(*given: object) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            act(*given)

        return acting

    with monkeypatch.context() as patched:
        patched.setattr(authority, "write_atomic", counted(write_atomic))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        with pytest.raises(Killed):
            authority.switch(place)
    # The cluster goes on meanwhile, and whatever is signed is good.
    certificates.renew(CONFIG, place, environment, ["scheduler"])
    check(place, environment)
    authority.rotate("switch", CONFIG, place, environment)
    assert authority.bundle(place) == [new, old]
    assert signer(place, "apiserver") == new
    check(place, environment)
    kubelets(place)
    authority.rotate("finish", CONFIG, place, environment)
    assert authority.bundle(place) == [new]
    check(place, environment)


@pytest.mark.parametrize(
    ("done", "step", "text"),
    [
        ((), "switch", "`steer certs rotate-ca prepare` comes first"),
        ((), "finish", "there is no former authority"),
        (("prepare",), "finish", "there is no former authority"),
        (("prepare", "switch"), "prepare", "`steer certs rotate-ca finish` comes first"),
    ],
)
def test_order(place: Place, environment: Mapping[str, str], done: tuple[str, ...], step: str, text: str) -> None:
    for each in done:
        authority.rotate(each, CONFIG, place, environment)
    with pytest.raises(CommandError, match=text):
        authority.rotate(step, CONFIG, place, environment)
