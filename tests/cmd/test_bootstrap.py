"""How a new node introduces itself: its token, the kubeconfig with it, and when there is need of them."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from steersman.api import codec
from steersman.apiserver.authn.bootstraptokens import user_of
from steersman.apiserver.rbacpolicy.own import BOOTSTRAPPERS
from steersman.cmd import bootstrap, node
from steersman.cmd.admin import Admin, AdminError
from steersman.cmd.config import ClusterConfig, NodeConfig
from steersman.cmd.place import Place
from steersman.kinds.core import bootstraptoken
from steersman.kinds.types.core_v1 import Secret


class Told:
    """An administrator's connection that only notes what is asked of it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, Any] | None]] = []

    def send(self, method: str, path: str, body: dict[str, Any] | None = None, accepted: object = ()) -> dict[str, Any]:
        self.sent.append((method, path, body))
        return {}


def test_a_token_is_what_the_api_server_takes() -> None:
    token = bootstrap.new_token()
    parts = bootstraptoken.parse(token)
    assert parts is not None
    assert token != bootstrap.new_token()
    made = codec.decode(Secret, json.dumps(bootstrap.secret(token, "for a test", "2030-01-01T00:00:00Z")).encode())
    user, why = user_of(made, *parts, datetime(2029, 1, 1, tzinfo=UTC))
    assert user is not None, why
    assert user.name == f"system:bootstrap:{parts[0]}"
    assert BOOTSTRAPPERS == bootstrap.GROUP
    assert BOOTSTRAPPERS in user.groups
    assert user_of(made, *parts, datetime(2031, 1, 1, tzinfo=UTC))[0] is None


def test_introducing_a_node(tmp_path: Path) -> None:
    kubelet, file = tmp_path / "kubelet", tmp_path / "bootstrap"
    users = [{"name": "x", "user": {"client-certificate": "a", "client-key": "a"}}]
    kubelet.write_text(json.dumps({"clusters": [{"name": "x"}], "users": users, "current-context": "x"}))
    told = Told()
    bootstrap.introduce(cast(Admin, told), "node-1", kubelet, file)
    document = json.loads(file.read_bytes())
    token = document["users"][0]["user"]["token"]
    assert document["users"] == [{"name": "x", "user": {"token": token}}]
    assert document["clusters"] == [{"name": "x"}]
    assert file.stat().st_mode & 0o777 == 0o600
    ((method, path, body),) = told.sent
    assert (method, path) == ("POST", "/api/v1/namespaces/kube-system/secrets")
    assert body is not None
    assert base64.b64decode(body["data"]["token-secret"]).decode() == token.partition(".")[2]
    # At the next start there is another, and the first is worth nothing.
    bootstrap.introduce(cast(Admin, told), "node-1", kubelet, file)
    assert [t[0] for t in told.sent] == ["POST", "POST", "DELETE"]
    assert told.sent[-1][1].endswith(f"/bootstrap-token-{token.partition('.')[0]}")
    assert token not in file.read_text()


def test_when_it_is_needed(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority, certificate = tmp_path / "ca.crt", tmp_path / "current.pem"
    authority.touch()
    assert bootstrap.is_needed(certificate, authority, now)
    certificate.touch()
    assert not bootstrap.is_needed(certificate, authority, now)
    assert bootstrap.is_needed(certificate, authority, now + timedelta(days=201))
    later = (now + timedelta(seconds=60)).timestamp()
    os.utime(authority, (later, later))
    assert bootstrap.is_needed(certificate, authority, now)


@pytest.mark.parametrize(("known", "gives_up_after"), [(False, 60), (True, 5)])
def test_how_long_the_api_server_is_asked(
    known: bool,
    gives_up_after: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A node without a certificate can do nothing without a token; one whose certificate is old has pods that may run."""
    place = Place("c", tmp_path)
    root = place.node("node-1")
    certificate = root / "kubelet" / "pki" / "kubelet-client-current.pem"
    certificate.parent.mkdir(parents=True)
    place.pki.ca.cert.parent.mkdir(parents=True)
    place.pki.ca.cert.touch()
    if known:
        certificate.touch()
        os.utime(certificate, (0, 0))
    now = 0.0

    def passes(seconds: float) -> None:
        nonlocal now
        now += seconds

    def refused(*_: object) -> None:
        raise AdminError("the API server does not answer: refused")

    monkeypatch.setattr(node, "time", SimpleNamespace(monotonic=lambda: now, sleep=passes))
    monkeypatch.setattr(Place, "load", lambda _: ClusterConfig(store="memory://", port=1, dns_port=2))
    monkeypatch.setattr("steersman.cmd.admin.Admin", refused)
    node.introduce(
        NodeConfig(cluster="c", name="node-1", root_dir=str(root), kubelet_config_file="k", proxy_config_file="p")
    )
    assert "no bootstrap token: the API server does not answer" in capsys.readouterr().err
    assert now == pytest.approx(gives_up_after, abs=0.2)
