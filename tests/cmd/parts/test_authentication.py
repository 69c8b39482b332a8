"""The API server's ways of authentication, as its settings say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.config import FrontProxy
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.authentication import authentication_of, front_proxy_of, service_accounts_of
from steersman.pki import certs

CLOCK = FakeClock()
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
    found = service_accounts_of(config(service_account_key_file=(key,)), CLOCK)
    assert found.keys == (found.signing_key,)
    assert (found.issuer, found.audiences, found.issuers) == (ISSUER, (ISSUER,), ())


def test_rotation(key: str, tmp_path: Path) -> None:
    new, other = certs.new_key(), certs.public_key(certs.new_key())
    old = written(tmp_path / "old.pub", certs.public_key(Path(key).read_bytes()) + other)
    signing = written(tmp_path / "new.key", new)
    said = {"service_account_key_file": (old,), "service_account_signing_key_file": signing}
    found = service_accounts_of(config(**said, service_account_issuer=("https://b", "https://a")), CLOCK)
    assert found.signing_key.pem.strip() == new.strip()
    assert len(found.keys) == 3
    assert (found.issuer, found.issuers, found.audiences) == ("https://b", ("https://a",), ("https://b", "https://a"))
    assert found.issues("https://a")
    assert not found.issues("https://c")
    # A key that is listed as the one that signs, too, counts once.
    assert len(service_accounts_of(config(service_account_key_file=(old, signing)), CLOCK).keys) == 3


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "no private key"),
        ({"service_account_key_file": ("/nowhere/key",)}, "serviceAccountKeyFile: /nowhere/key: No such file"),
        ({"service_account_jwks_uri": "http://x"}, "serviceAccountJwksUri: requires https"),
        ({"service_account_max_token_expiration": 60.0}, "between 1 hour and 2\\^32 seconds"),
        ({"service_account_issuer": ()}, "serviceAccountIssuer: is required"),
        ({"service_account_issuer": ("",)}, "serviceAccountIssuer: should not be an empty string"),
        ({"service_account_issuer": ("a", "a")}, 'serviceAccountIssuer: "a" is already specified'),
        ({"service_account_issuer": ("https://[x",)}, "contained a ':' but was not a valid URL"),
    ],
)
def test_wrong_service_accounts(key: str, more: dict[str, Any], why: str) -> None:
    given = more if "service_account_key_file" in more or not more else {"service_account_key_file": (key,), **more}
    with pytest.raises(ConfigError, match=why):
        service_accounts_of(config(**given), CLOCK)


def test_a_file_without_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not contain any valid"):
        service_accounts_of(config(service_account_key_file=(written(tmp_path / "x", b"nothing"),)), CLOCK)


def test_defaults() -> None:
    found = authentication_of(config())
    assert (found.anonymous.enabled, found.bootstrap_tokens, found.jwt, found.webhook) == (True, True, (), None)
    assert not authentication_of(config(anonymous_auth=False)).anonymous.enabled
    # Nobody knows whom, where everything is allowed.
    assert not authentication_of(config(authorization_mode=("Node", "AlwaysAllow"))).anonymous.enabled


def test_static_tokens(tmp_path: Path) -> None:
    file = written(tmp_path / "tokens.csv", b'secret,joe,7,"a,b"\n')
    assert authentication_of(config(token_auth_file=file)).static == {"secret": User("joe", ("a", "b"), "7")}
    with pytest.raises(ConfigError, match="tokenAuthFile: /nowhere: No such file"):
        authentication_of(config(token_auth_file="/nowhere"))


def test_front_proxies(tmp_path: Path) -> None:
    assert front_proxy_of(config()) is None
    found = front_proxy_of(config(requestheader_client_ca_file="ca"))
    assert found == FrontProxy(Path("ca"))
    found = front_proxy_of(
        config(
            requestheader_client_ca_file="ca",
            requestheader_allowed_names=("one",),
            requestheader_username_headers=(" X-User ",),
            requestheader_uid_headers=(),
            requestheader_group_headers=("X-Team",),
            requestheader_extra_headers_prefix=("X-More-",),
        )
    )
    assert found == FrontProxy(Path("ca"), ("one",), ("X-User",), (), ("X-Team",), ("X-More-",))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"requestheader_username_headers": (" ",)}, "requestheaderUsernameHeaders: there is an empty value"),
        ({"requestheader_uid_headers": ("",)}, "requestheaderUidHeaders: there is an empty value"),
        ({"requestheader_group_headers": ("a", "")}, "requestheaderGroupHeaders: there is an empty value"),
        ({"requestheader_extra_headers_prefix": ("",)}, "requestheaderExtraHeadersPrefix: there is an empty value"),
        ({"requestheader_allowed_names": ("",)}, "requestheaderAllowedNames: there is an empty value"),
        ({"requestheader_uid_headers": ("X-Uid",)}, "without the standard X-Remote-Uid header"),
    ],
)
def test_wrong_front_proxies(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        front_proxy_of(config(**more))


def test_a_front_proxy_with_the_authority_of_clients(tmp_path: Path) -> None:
    file = written(tmp_path / "ca.crt", certs.new_ca("ca", datetime.now(UTC)).cert)
    shared = ApiServerConfig(
        tls_cert_file="a", tls_key_file="b", client_ca_file=file, requestheader_client_ca_file=file
    )
    with pytest.raises(ConfigError, match="requestheaderAllowedNames: must be specified where"):
        front_proxy_of(shared)
    assert front_proxy_of(replace(shared, requestheader_allowed_names=("proxy",))) is not None


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
        ({"oidc_username_claim": "email"}, "must be specified together"),
        ({"oidc_signing_algs": ("ES256",)}, "must be specified together"),
        ({"oidc_required_claim": {"a": "b"}}, "must be specified together"),
        ({"oidc_groups_claim": "groups", "authentication_config": "x"}, "mutually exclusive"),
        ({**OIDC, "oidc_signing_algs": ("HS256",)}, 'unsupported signing alg: "HS256"'),
        ({**OIDC, "oidc_ca_file": "/nowhere"}, "oidcCaFile: /nowhere: No such file"),
        ({**OIDC, "authentication_config": "x"}, "mutually exclusive"),
    ],
)
def test_wrong_oidc(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        authentication_of(config(**more))
