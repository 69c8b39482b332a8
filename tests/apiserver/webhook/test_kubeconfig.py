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
from steersman.pki.certs import Pair, Request, issue, new_ca

NOW = datetime.now(UTC)
MARKED = base64.b64encode(b"MARKER").decode()


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


SENT = [("Content-Type", "application/json"), ("Accept", "application/json")]


def pair_of(authority: Pair) -> Pair:
    return issue(authority, Request("apiserver"), NOW)


def data(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


@pytest.mark.parametrize(
    ("server", "host", "port", "path", "query", "url"),
    [
        ("http://192.0.2.1:8080/audit?x=1", "192.0.2.1", 8080, "/audit", "x=1", "http://192.0.2.1:8080/audit?x=1"),
        ("http://hook", "hook", 80, "/", "", "http://hook:80/"),
        ("hook:81", "hook", 81, "/", "", "http://hook:81/"),
        ("http://[2001:db8::1]:82/a", "2001:db8::1", 82, "/a", "", "http://[2001:db8::1]:82/a"),
    ],
)
def test_a_plain_address(tmp_path: Path, server: str, host: str, port: int, path: str, query: str, url: str) -> None:
    found = kubeconfig.read(write(tmp_path, {"server": server}))
    target = found.target()
    assert (target.host, target.port, target.tls, target.proxy) == (host, port, None, "")
    assert (found.path, found.query, found.url) == (path, query, url)
    assert found.headers() == SENT


def test_certificates_from_data_and_files(tmp_path: Path) -> None:
    authority = new_ca("ca", NOW)
    pair = pair_of(authority)
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    user = {"client-certificate-data": data(pair.cert), "client-key-data": data(pair.key)}
    cluster = {"server": "https://hook.example.com", "certificate-authority": "ca.crt", "tls-server-name": "other"}
    found = kubeconfig.read(write(tmp_path, cluster, user))
    target = found.target()
    assert (target.host, target.port, target.name, found.path) == ("hook.example.com", 443, "other", "/")
    assert target.tls is not None
    assert target.tls.verify_mode == ssl.CERT_REQUIRED
    assert len(target.tls.get_ca_certs()) == 1
    # Connections are used again only by whoever has the same context.
    assert found.target().tls is target.tls
    # Whoever says something of TLS means it.
    found = kubeconfig.read(write(tmp_path, {"server": "hook:444", "certificate-authority": "ca.crt"}))
    assert (found.url, found.target().tls is not None) == ("https://hook:444/", True)


def test_files_that_change_are_read_again(tmp_path: Path) -> None:
    for name, content in zip(("ca.crt", "c.crt", "c.key"), _files(), strict=True):
        (tmp_path / name).write_bytes(content)
    cluster = {"server": "https://hook.example.com", "certificate-authority": "ca.crt"}
    found = kubeconfig.read(write(tmp_path, cluster, {"client-certificate": "c.crt", "client-key": "c.key"}))
    before = found.target().tls
    authority, certificate, key = _files()
    # A certificate whose key is not there yet changes nothing.
    (tmp_path / "c.crt").write_bytes(certificate)
    assert found.target().tls is before
    (tmp_path / "c.key").write_bytes(key + b"\n")
    after = found.target().tls
    assert after is not before
    (tmp_path / "ca.crt").write_bytes(authority + b"\n")
    assert found.target().tls is not after


def _files() -> tuple[bytes, bytes, bytes]:
    authority = new_ca("ca", NOW)
    pair = pair_of(authority)
    return authority.cert, pair.cert, pair.key


def test_credentials(tmp_path: Path) -> None:
    server = {"server": "https://hook.example.com", "insecure-skip-tls-verify": True}
    found = kubeconfig.read(write(tmp_path, server, {"token": "secret"}))
    assert found.headers() == [*SENT, ("Authorization", "Bearer secret")]
    assert "secret" not in repr(found)
    tls = found.target().tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_NONE, False)
    found = kubeconfig.read(write(tmp_path, server, {"username": "u", "password": "p"}))
    assert found.headers()[-1] == ("Authorization", "Basic dTpw")


def test_files_of_tokens(tmp_path: Path) -> None:
    server, token = {"server": "http://hook.example.com"}, tmp_path / "token"
    file = write(tmp_path, server, {"tokenFile": "token"})
    with pytest.raises(ConfigurationError, match="No such file"):
        kubeconfig.read(file)
    # As long as there is none, what is written beside it does.
    beside = kubeconfig.read(write(tmp_path, server, {"tokenFile": "token", "token": "first"}))
    assert beside.headers()[-1] == ("Authorization", "Bearer first")
    token.write_text("second\n")
    assert beside.headers()[-1] == ("Authorization", "Bearer second")
    token.write_text("the third\n")
    assert beside.headers()[-1] == ("Authorization", "Bearer the third")
    # What cannot be read is no token: the last one stays.
    token.write_text("\n")
    assert beside.headers()[-1] == ("Authorization", "Bearer the third")
    token.unlink()
    assert beside.headers()[-1] == ("Authorization", "Bearer the third")


def test_in_the_name_of_others(tmp_path: Path) -> None:
    user = {"as": "joe", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"k": ["v", "w"]}, "token": "t"}
    found = kubeconfig.read(write(tmp_path, {"server": "http://hook"}, user))
    assert found.headers() == [
        *SENT,
        ("Impersonate-User", "joe"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-k", "v"),
        ("Impersonate-Extra-k", "w"),
        ("Authorization", "Bearer t"),
    ]


def test_through_a_proxy(tmp_path: Path) -> None:
    found = kubeconfig.read(write(tmp_path, {"server": "https://hook", "proxy-url": "http://u:p@proxy:3128"}))
    assert found.target().proxy == "http://u:p@proxy:3128"
    assert "u:p" not in repr(found)


@pytest.mark.parametrize(
    ("cluster", "user", "more", "message"),
    [
        ({"server": "ftp://x"}, None, {}, "cluster.server: must be a URL, not 'ftp://x'"),
        ({}, None, {}, "cluster.server: must be a URL"),
        ({"server": "https://x"}, {"exec": {"command": "id"}}, {}, "user.exec.apiVersion: must be one of"),
        ({"server": "https://x"}, {"auth-provider": {"name": "x"}}, {}, "there are no auth-providers any more"),
        ({"server": "https://x"}, None, {"current-context": "d"}, "contexts: there is no context named 'd'"),
        ({"server": "https://x"}, {}, {"users": []}, "users: there is no user named 'u'"),
        ({"server": "https://x", "certificate-authority": "missing.crt"}, None, {}, "missing.crt"),
        (
            {"server": "https://x", "certificate-authority-data": "!"},
            None,
            {},
            "certificate-authority-data: must be base64",
        ),
        ({"server": "https://x"}, {"client-key-data": MARKED}, {}, "make a pair, and one of them is missing"),
        (
            {"server": "https://x"},
            {"client-key-data": MARKED, "client-certificate-data": MARKED},
            {},
            "do not make a pair",
        ),
        ({"server": "https://x", "certificate-authority-data": MARKED}, None, {}, "unable to parse bytes as PEM block"),
        (
            {"server": "https://x", "certificate-authority-data": MARKED, "certificate-authority": "f"},
            None,
            {},
            "certificate-authority and certificate-authority-data are both given",
        ),
        (
            {"server": "https://x", "certificate-authority": "f", "insecure-skip-tls-verify": True},
            None,
            {},
            "cannot be given together with insecure-skip-tls-verify",
        ),
        ({"server": "https://x", "proxy-url": "socks5://MARKER"}, None, {}, "cluster.proxy-url: must be the URL"),
        ({"server": "https://x"}, {"token": "MARKER", "username": "u"}, {}, "together with a token"),
        ({"server": "https://x"}, {"as-groups": ["g"]}, {}, "need a user that is impersonated"),
        ({"server": "https://x"}, {"as": "u", "as-groups": "g"}, {}, "as-groups must be a list"),
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
