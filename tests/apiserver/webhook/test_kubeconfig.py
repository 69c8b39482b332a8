"""Kubeconfigs of the server's own webhooks: what is read, what is refused, and that no credential is shown."""

from __future__ import annotations

import base64
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from steersman.api.configuration import ConfigurationError
from steersman.apiserver.webhook import kubeconfig
from steersman.pki.certs import Request, issue, new_ca


def write(directory: Path, cluster: dict[str, Any], user: dict[str, Any] | None = None, **more: Any) -> Path:
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", **({"user": "u"} if user is not None else {})}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "u", "user": user or {}}],
        **more,
    }
    file = directory / "hook.yaml"
    file.write_text(json.dumps(config))
    return file


def test_a_plain_address(tmp_path: Path) -> None:
    found = kubeconfig.read(write(tmp_path, {"server": "http://192.0.2.1:8080/audit?x=1"}))
    assert (found.target.host, found.target.port, found.target.tls) == ("192.0.2.1", 8080, None)
    assert (found.path, found.query, found.url) == ("/audit", "x=1", "http://192.0.2.1:8080/audit?x=1")
    assert found.headers() == [("Content-Type", "application/json"), ("Accept", "application/json")]


def test_certificates_from_data_and_files(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = new_ca("ca", now)
    pair = issue(authority, Request("apiserver"), now)
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    user = {
        "client-certificate-data": base64.b64encode(pair.cert).decode(),
        "client-key-data": base64.b64encode(pair.key).decode(),
    }
    cluster = {"server": "https://hook.example.com", "certificate-authority": "ca.crt", "tls-server-name": "other"}
    found = kubeconfig.read(write(tmp_path, cluster, user))
    assert (found.target.port, found.target.name, found.path) == (443, "other", "/")
    assert found.target.tls is not None
    assert found.target.tls.verify_mode == ssl.CERT_REQUIRED
    assert len(found.target.tls.get_ca_certs()) == 1


def test_credentials(tmp_path: Path) -> None:
    server = {"server": "https://hook.example.com", "insecure-skip-tls-verify": True}
    found = kubeconfig.read(write(tmp_path, server, {"token": "secret"}))
    assert found.headers()[-1] == ("Authorization", "Bearer secret")
    assert "secret" not in repr(found)
    (tmp_path / "token").write_text("renewed\n")
    found = kubeconfig.read(write(tmp_path, server, {"tokenFile": "token", "token": "secret"}))
    assert found.headers()[-1] == ("Authorization", "Bearer renewed")
    found = kubeconfig.read(write(tmp_path, server, {"username": "u", "password": "p"}))
    assert found.headers()[-1] == ("Authorization", "Basic dTpw")


@pytest.mark.parametrize(
    ("cluster", "user", "more", "message"),
    [
        ({"server": "ftp://x"}, None, {}, "cluster.server: must be a URL, not 'ftp://x'"),
        ({}, None, {}, "cluster.server: must be a URL"),
        ({"server": "https://x"}, {"exec": {"command": "id"}}, {}, "exec and auth-provider are not for servers"),
        ({"server": "https://x"}, None, {"current-context": "d"}, "contexts: there is no context named 'd'"),
        ({"server": "https://x"}, {}, {"users": []}, "users: there is no user named 'u'"),
        ({"server": "https://x", "certificate-authority": "missing.crt"}, None, {}, "missing.crt"),
        (
            {"server": "https://x", "certificate-authority-data": "!"},
            None,
            {},
            "certificate-authority-data: must be base64",
        ),
        ({"server": "https://x"}, {"client-key-data": base64.b64encode(b"MARKER").decode()}, {}, "do not make a pair"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any] | None, more: dict[str, Any], message: str
) -> None:
    file = write(tmp_path, cluster, user, **more)
    with pytest.raises(ConfigurationError) as caught:
        kubeconfig.read(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(file))
    assert "MARKER" not in str(caught.value)


@pytest.mark.parametrize("text", ["[", "a", ""])
def test_what_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(ConfigurationError):
        kubeconfig.read(tmp_path / "x")
