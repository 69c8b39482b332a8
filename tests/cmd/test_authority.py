"""Another authority in the place of a cluster's own: at each step everybody trusts whoever has signed what is in use."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from steersman.cmd import authority, certificates, kubeconfig, lifecycle, plan
from steersman.cmd.certificates import AUTHORITIES
from steersman.cmd.config import ClusterConfig
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place
from steersman.pki import inventory, layout
from steersman.pki.certs import Pair, Request, issue
from steersman.pki.files import wish, write_atomic

SIGNED = {"ca": ("apiserver",), "front-proxy-ca": ("front-proxy-client",)}
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
        if each.renewed_by:
            assert inventory.signed_by(each.file.read_bytes(), place.pki.named(each.signed_by).cert.read_bytes()), (
                each.name
            )
    encoded = kubeconfig._encode(trusted)
    for path in (
        place.part_kubeconfig("scheduler"),
        place.part_kubeconfig("node-1-kubelet"),
        Path(environment["KUBECONFIG"]),
    ):
        assert encoded in path.read_text().replace("\n", "").replace(" ", ""), path


def signer(place: Place, name: str, by: str) -> bytes:
    """Which of the trusted certificates of an authority has signed a certificate."""
    pem = place.pki.named(name).cert.read_bytes()
    return next(c for c in authority.bundle(place, by) if inventory.signed_by(pem, c))


@pytest.mark.parametrize("names", [AUTHORITIES, ("ca",), ("front-proxy-ca",)])
def test_the_three_steps(place: Place, environment: Mapping[str, str], names: tuple[str, ...]) -> None:
    before = {name: authority.bundle(place, name) for name in AUTHORITIES}
    assert {len(found) for found in before.values()} == {1}
    check(place, environment)
    assert authority.rotate("prepare", CONFIG, place, environment, names) == []
    assert [authority.state(place, name) for name in names] == ["prepared"] * len(names)
    check(place, environment)
    for name in names:
        assert authority.bundle(place, name)[:1] == before[name]
        assert [signer(place, client, name) for client in SIGNED[name]] == before[name]
    rows = certificates.listing(CONFIG, place, datetime.now(UTC), environment)
    shown = [name for authority_ in AUTHORITIES for name in [authority_] * (2 if authority_ in names else 1)]
    assert [row["name"] for row in rows][: len(shown) + 1] == [*shown, "apiserver"]
    # Once more does no harm.
    both = {name: authority.bundle(place, name) for name in names}
    authority.rotate("prepare", CONFIG, place, environment, names)
    assert {name: authority.bundle(place, name) for name in names} == both

    renewed = authority.rotate("switch", CONFIG, place, environment, names)
    assert ("front-proxy-client" in renewed) == ("front-proxy-ca" in names)
    assert ({"apiserver", "admin", "nodes/node-1/kubelet-client"} <= set(renewed)) == ("ca" in names)
    assert [authority.state(place, name) for name in names] == ["switched"] * len(names)
    check(place, environment)
    new = {name: authority.bundle(place, name)[:1] for name in names}
    for name in names:
        assert new[name] != before[name]
        assert [signer(place, client, name) for client in SIGNED[name]] == new[name]
        assert not place.pki.named(f"{name}-next").key.exists()

    if "ca" in names:
        with pytest.raises(CommandError, match="nodes/node-1/kubelet-client, nodes/node-1/kubelet-server"):
            authority.rotate("finish", CONFIG, place, environment, names)
        kubelets(place)
    authority.rotate("finish", CONFIG, place, environment, names)
    for name in AUTHORITIES:
        assert authority.state(place, name) == "steady"
        assert authority.bundle(place, name) == new.get(name, before[name])
        assert place.pki.named(name).key.stat().st_mode & 0o777 == 0o600
    check(place, environment)


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
    """As by SIGKILL."""


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int, act: Callable[[], object]) -> bool:
    """Do something until it has changed the disk that often; whether that was before it was done."""
    left = after

    def counted(act: Callable[..., None]) -> Callable[..., None]:
        def acting(*given: object, **more: object) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            act(*given, **more)

        return acting

    with monkeypatch.context() as patched:
        for module in (authority, certificates, lifecycle, layout):
            patched.setattr(module, "write_atomic", counted(write_atomic))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        try:
            act()
        except Killed:
            return True
    return False


def test_a_step_that_was_interrupted_is_repeated(
    place: Place, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Wherever it is killed: the cluster starts, other steps wait for this one, and it can be finished."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    kept = tmp_path / "kept"
    lock = Path(f"{environment['KUBECONFIG']}.lock")
    for step, others in (("prepare", "switch"), ("switch", "finish"), ("finish", "prepare")):
        take = partial(authority.rotate, step, CONFIG, place, environment)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(place.directory, kept)
        # Behind the authorities' own files come those of everybody, which are all alike.
        for after in itertools.chain(range(10), itertools.count(10, 5)):
            shutil.rmtree(place.directory)
            shutil.copytree(kept, place.directory)
            if not interrupted(monkeypatch, after, take):
                break
            # Whoever made it does not run any more.
            lock.unlink(missing_ok=True)
            # The cluster is started meanwhile, and whatever is signed is good.
            lifecycle.write_credentials(CONFIG, place)
            lifecycle.write_kubeconfigs(CONFIG, place)
            certificates.renew(CONFIG, place, environment, ["scheduler"])
            check(place, environment)
            if (place.pki.directory / "rotation").exists():
                with pytest.raises(
                    CommandError, match=f"`steer certs rotate-ca {step}` was interrupted: repeat it first"
                ):
                    authority.rotate(others, CONFIG, place, environment)
            take()
            done = {"prepare": "prepared", "switch": "switched", "finish": "steady"}[step]
            assert [authority.state(place, name) for name in AUTHORITIES] == [done] * 2
            check(place, environment)
        assert after > 4
        if step == "switch":
            kubelets(place)
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
