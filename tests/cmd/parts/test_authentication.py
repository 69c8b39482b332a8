"""The API server's ways of authentication, as its settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steersman.api.http import User
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.authentication import authentication_of, service_accounts_of
from steersman.pki import certs

ISSUER = "https://kubernetes.default.svc.cluster.local"


def config(**more: Any) -> ApiServerConfig:
    return ApiServerConfig(tls_cert_file="a", tls_key_file="b", client_ca_file="c", **more)


@pytest.fixture
def key(tmp_path: Path) -> str:
    return written(tmp_path / "sa.key", certs.new_key())


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def test_one_key(key: str) -> None:
    found = service_accounts_of(config(service_account_key_file=(key,)))
    assert found.keys == (found.signing_key,)
    assert (found.issuer, found.audiences, found.issuers) == (ISSUER, (ISSUER,), ())


def test_rotation(key: str, tmp_path: Path) -> None:
    new, other = certs.new_key(), certs.public_key(certs.new_key())
    old = written(tmp_path / "old.pub", certs.public_key(Path(key).read_bytes()) + other)
    signing = written(tmp_path / "new.key", new)
    said = {"service_account_key_file": (old,), "service_account_signing_key_file": signing}
    found = service_accounts_of(config(**said, service_account_issuer=("https://b", "https://a")))
    assert found.signing_key.pem.strip() == new.strip()
    assert len(found.keys) == 3
    assert (found.issuer, found.issuers, found.audiences) == ("https://b", ("https://a",), ("https://b", "https://a"))
    assert found.issues("https://a")
    assert not found.issues("https://c")
    # A key that is listed as the one that signs, too, counts once.
    assert len(service_accounts_of(config(service_account_key_file=(old, signing))).keys) == 3


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "no private key"),
        ({"service_account_key_file": ("/nowhere/key",)}, "serviceAccountKeyFile: /nowhere/key: No such file"),
        ({"service_account_jwks_uri": "http://x"}, "serviceAccountJwksUri: requires https"),
        ({"service_account_max_token_expiration": 60.0}, "between 1 hour and 2\\^32 seconds"),
        ({"service_account_issuer": ()}, "serviceAccountIssuer: is required"),
    ],
)
def test_wrong_service_accounts(key: str, more: dict[str, Any], why: str) -> None:
    given = more if "service_account_key_file" in more or not more else {"service_account_key_file": (key,), **more}
    with pytest.raises(ConfigError, match=why):
        service_accounts_of(config(**given))


def test_a_file_without_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not contain any valid"):
        service_accounts_of(config(service_account_key_file=(written(tmp_path / "x", b"nothing"),)))


def test_defaults() -> None:
    found = authentication_of(config())
    assert (found.anonymous.enabled, found.bootstrap_tokens, found.jwt, found.webhook) == (True, True, (), None)
    assert not authentication_of(config(anonymous_auth=False)).anonymous.enabled


def test_static_tokens(tmp_path: Path) -> None:
    file = written(tmp_path / "tokens.csv", b'secret,joe,7,"a,b"\n')
    assert authentication_of(config(token_auth_file=file)).static == {"secret": User("joe", ("a", "b"), "7")}
    with pytest.raises(ConfigError, match="tokenAuthFile: /nowhere: No such file"):
        authentication_of(config(token_auth_file="/nowhere"))


OIDC = {"oidc_issuer_url": "https://id", "oidc_client_id": "me"}


@pytest.mark.parametrize(
    ("more", "claim", "prefix"),
    [
        ({}, "sub", "https://id#"),
        ({"oidc_username_prefix": "-"}, "sub", ""),
        ({"oidc_username_prefix": "oidc:"}, "sub", "oidc:"),
        ({"oidc_username_claim": "email"}, "email", ""),
    ],
)
def test_oidc(more: dict[str, Any], claim: str, prefix: str) -> None:
    (found,) = authentication_of(config(**OIDC, **more)).jwt
    assert found.issuer is not None
    assert (found.issuer.url, found.issuer.audiences) == ("https://id", ["me"])
    assert found.claimMappings is not None
    assert found.claimMappings.username is not None
    assert (found.claimMappings.username.claim, found.claimMappings.username.prefix) == (claim, prefix)
    assert found.claimMappings.groups is None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"oidc_issuer_url": "https://id"}, "must be specified together"),
        ({"oidc_client_id": "me"}, "must be specified together"),
        ({"oidc_groups_claim": "groups"}, "must be specified together"),
        ({**OIDC, "oidc_signing_algs": ("HS256",)}, 'unsupported signing alg: "HS256"'),
        ({**OIDC, "oidc_ca_file": "/nowhere"}, "oidcCaFile: /nowhere: No such file"),
        ({**OIDC, "authentication_config": "x"}, "mutually exclusive"),
    ],
)
def test_wrong_oidc(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        authentication_of(config(**more))
