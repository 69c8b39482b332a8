"""JSON Web Tokens of a real issuer over TLS: who they name, what is refused, when the issuer is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.authn import oidc
from tests.apiserver.authn.oidc import Provider, authority, key, served
from tests.apiserver.conftest import CATALOG

from steersman.api import codec
from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.api.http import Request, User
from steersman.apiserver.authn import Authentication, Authenticator, ServiceAccountTokens
from steersman.apiserver.authn.assembly import Assembly
from steersman.apiserver.authn.users import Rejected, Verdict
from steersman.apiserver.backend import Backends
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.pki import certs, jose, tokens
from steersman.store.backends import memory


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    found = Provider()
    server = await served(found, tmp_path)
    yield found
    await server.close()


class Place:
    """An authenticator with a file, and what it is asked."""

    def __init__(self, file: Path) -> None:
        self.file, self.clock, self.backends = file, FakeClock(), Backends()
        self.authenticator = Authenticator(self.clock)
        self.assembly: Assembly | None = None

    def write(self, *jwt: dict[str, Any], **more: Any) -> None:
        config = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", **more}
        self.file.write_bytes(codec.encode({**config, "jwt": list(jwt)}))

    def configure(self, *jwt: dict[str, Any], **more: Any) -> None:
        self.write(*jwt, **more)
        settings = Authentication(file=self.file)
        own = ("https://kubernetes",)
        self.assembly = Assembly(self.authenticator, settings, self.clock, self.backends, own)

    async def user(self, token: str) -> User:
        verdict = self.authenticator.review(token)
        return (verdict if isinstance(verdict, Verdict) else await verdict).user

    async def why(self, token: str) -> str:
        with pytest.raises(Rejected) as refused:
            await self.user(token)
        # Nobody is told the token, or any part of it.
        assert all(part not in refused.value.why for part in token.split(".") if len(part) > 20)
        return refused.value.why

    def claims(self, **more: Any) -> dict[str, Any]:
        return {"aud": "me", "sub": "joe", "exp": self.clock.time() + 60, **more}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    found = Place(tmp_path / "authentication.yaml")
    yield found
    await found.backends.close()


def issuer(provider: Provider, **more: Any) -> dict[str, Any]:
    said = {"url": provider.url, "audiences": ["me"], "certificateAuthority": authority().cert.decode()}
    said.update(more.pop("issuer", {}))
    return {"issuer": said, "claimMappings": {"username": {"claim": "sub", "prefix": "oidc:"}}, **more}


async def test_a_user(place: Place, provider: Provider) -> None:
    groups = {"claim": "groups", "prefix": "g:"}
    mappings = {
        "username": {"claim": "sub", "prefix": "oidc:"},
        "groups": groups,
        "uid": {"claim": "id"},
        "extra": [{"key": "example.com/team", "valueExpression": "claims.team"}],
    }
    place.configure(issuer(provider, claimMappings=mappings))
    token = provider.token(place.claims(groups=["a", "b"], id="7", team="red", jti="j"))
    user = await place.user(token)
    assert (user.name, user.groups, user.uid) == ("oidc:joe", ("g:a", "g:b", "system:authenticated"), "7")
    assert user.extra == {
        "authentication.kubernetes.io/credential-id": ("JTI=j",),
        "example.com/team": ("red",),
    }
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
    # The keys are known now: nobody waits, and nobody is asked.
    assert isinstance(place.authenticator.review(provider.token(place.claims(groups="one", id="8", team=""))), Verdict)
    assert len(provider.asked) == 2
    request = Request("GET", "/api", headers={"authorization": f"bearer {token}"})
    assert isinstance(place.authenticator.authenticate(request), User)


@pytest.mark.parametrize(
    ("claims", "header", "why"),
    [
        ({"aud": "you"}, {}, 'oidc: expected audience in ["me"] got ["you"]'),
        ({"aud": []}, {}, 'oidc: expected audience in ["me"] got []'),
        ({"aud": 7}, {}, 'oidc: expected audience in ["me"] got ["7"]'),
        ({"aud": {"me": 1}}, {}, 'oidc: expected audience in ["me"] got ["{\'me\': 1}"]'),
        ({"aud": [["me"]]}, {}, "oidc: expected audience in"),
        ({"exp": float("inf")}, {}, "invalid bearer token"),
        ({"sub": "a\ud800b"}, {}, "invalid bearer token"),
        ({"exp": 1}, {}, "oidc: token is expired"),
        ({"exp": None}, {}, "oidc: token is expired"),
        ({"exp": "x"}, {}, "exp is no number"),
        ({"nbf": 2e10}, {}, "not valid yet"),
        ({}, {"alg": "none"}, "unsupported algorithm"),
        ({}, {"alg": "HS256"}, "unsupported algorithm"),
        ({}, {"alg": "ES256"}, "failed to verify signature"),
        ({}, {"crit": ["x"]}, "malformed jwt"),
        ({"sub": None}, {}, "cannot unmarshal null into Go value of type string"),
        (
            {"sub": 7},
            {},
            'oidc: parse username claims "sub": json: cannot unmarshal number into Go value of type string',
        ),
        ({"sub": ""}, {}, "the claim is empty"),
    ],
)
async def test_refused(
    place: Place, provider: Provider, claims: dict[str, Any], header: dict[str, Any], why: str
) -> None:
    place.configure(issuer(provider))
    assert why in await place.why(provider.token(place.claims(**claims), **header))


async def test_somebody_else_s_keys(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    assert "failed to verify signature" in await place.why(provider.token(place.claims(), "r2"))
    assert "failed to verify signature" in await place.why(provider.token(place.claims(), "r2", kid="r1"))
    assert await place.why(provider.token(place.claims(iss="https://other"))) == "invalid bearer token"
    # A key of another kind under the id of a known one.
    assert "failed to verify signature" in await place.why(provider.token(place.claims(), "e1", kid="r1"))


async def test_keys_are_read_again(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    await place.user(provider.token(place.claims()))
    provider.keys.append("e1")
    new = provider.token(place.claims(), "e1")
    # Not at once: forged tokens must not make anybody ask and ask.
    await place.why(new)
    assert provider.asked.count("/keys") == 1
    await place.clock.advance(1)
    assert (await place.user(new)).name == "oidc:joe"
    assert provider.asked.count("/keys") == 2
    provider.keys.remove("r1")
    await place.clock.advance(11)
    # One that knows the old key only has no reason to ask.
    assert (await place.user(provider.token(place.claims(), "r1"))).name == "oidc:joe"


async def test_many_wait_for_one_answer(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    users = await asyncio.gather(*(place.user(provider.token(place.claims(sub=f"u{n}"))) for n in range(8)))
    assert [user.name for user in users] == [f"oidc:u{n}" for n in range(8)]
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_an_issuer_that_is_not_there(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    provider.status = 503
    token = provider.token(place.claims())
    assert "the server answers with status 503" in await place.why(token)
    assert len(provider.asked) == 1
    await place.why(token)
    assert len(provider.asked) == 1
    provider.status = 200
    await place.clock.advance(10)
    assert (await place.user(token)).name == "oidc:joe"


async def test_an_issuer_that_says_to_be_another(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    provider.says = "https://other"
    assert "issuer did not match the issuer returned by provider" in await place.why(provider.token(place.claims()))


async def test_an_issuer_that_nobody_trusts(place: Place, provider: Provider) -> None:
    other = oidc.certs.new_ca("other", oidc.datetime.now(oidc.UTC)).cert.decode()
    place.configure(issuer(provider, issuer={"certificateAuthority": other}))
    assert "Get " in await place.why(provider.token(place.claims()))
    assert provider.asked == []


async def test_discovery_elsewhere(place: Place, provider: Provider) -> None:
    there = f"{provider.url}/elsewhere/.well-known/openid-configuration"
    place.configure(issuer(provider, issuer={"discoveryURL": there}))
    assert (await place.user(provider.token(place.claims()))).name == "oidc:joe"
    assert provider.asked == ["/elsewhere/.well-known/openid-configuration", "/keys"]


async def test_what_has_moved(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    document = "/.well-known/openid-configuration"
    provider.moved = {document: f"/new{document}"}
    assert (await place.user(provider.token(place.claims()))).name == "oidc:joe"
    assert provider.asked == [document, f"/new{document}", "/keys"]


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ("http://127.0.0.1/x", "URL scheme must be https"),
        ("/.well-known/openid-configuration", "stopped after 10 redirects"),
    ],
)
async def test_what_has_moved_too_far(place: Place, provider: Provider, there: str, why: str) -> None:
    place.configure(issuer(provider))
    provider.moved = {"/.well-known/openid-configuration": there}
    assert why in await place.why(provider.token(place.claims()))


async def test_remembered_for_ten_seconds(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    token = provider.token(place.claims(exp=place.clock.time() + 5))
    await place.user(token)
    await place.clock.advance(9)
    await place.user(token)
    await place.clock.advance(1)
    assert "expired" in await place.why(token)


async def test_what_is_remembered_is_not_read_again(
    place: Place, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = tokens.Key(certs.new_key())
    accounts = ServiceAccountTokens(signer, (signer,))
    place.authenticator = Authenticator(place.clock, service_accounts=accounts, lookup=lambda *_: "")
    place.configure(issuer(provider))
    token = provider.token(place.claims())
    read: list[str] = []
    for name in ("unverified_claims", "parse"):
        before = getattr(jose, name)

        def counted(text: str, name: str = name, before: Any = before) -> Any:
            read.append(name)
            return before(text)

        monkeypatch.setattr(jose, name, counted)
    user = await place.user(token)
    # Is it a service account's? Whose else? Is it good?
    assert read == ["unverified_claims", "unverified_claims", "parse"]
    assert await place.user(token) is user
    assert len(read) == 3
    # Somebody else's token it is for good.
    await place.clock.advance(11)
    assert await place.user(token) == user
    assert read[3:] == ["unverified_claims", "parse"]


async def test_several_issuers_and_audiences(place: Place, provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = Provider(keys=["e1"])
    server = await served(other, tmp_path / "b")
    both = {"audiences": ["me", "you"], "audienceMatchPolicy": "MatchAny"}
    place.configure(
        issuer(provider, issuer=both),
        issuer(other, claimMappings={"username": {"expression": "'b:' + claims.sub"}}),
    )
    assert (await place.user(provider.token(place.claims(aud=["x", "you"])))).name == "oidc:joe"
    assert (await place.user(other.token(place.claims()))).name == "b:joe"
    await server.close()


RULES = [
    {"claim": "hd", "requiredValue": "example.com"},
    {"expression": "claims.level >= 3", "message": "too low"},
]
USERS = [{"expression": "!user.username.startsWith('system:')", "message": "reserved"}]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({}, ""),
        ({"hd": "x"}, "required claim hd value does not match. Got = x, want = example.com"),
        ({"hd": None}, "oidc: parse claim hd"),
        ({"level": 2}, "validation expression 'claims.level >= 3' failed: too low"),
        ({"level": "high"}, "oidc: error evaluating claim validation expression: expression"),
        ({"sub": "system:admin"}, "oidc: error evaluating user info validation rule: validation expression"),
    ],
)
async def test_rules(place: Place, provider: Provider, claims: dict[str, Any], why: str) -> None:
    mappings = {"username": {"expression": "claims.sub"}}
    rules = {"claimValidationRules": RULES, "userValidationRules": USERS}
    place.configure(issuer(provider, claimMappings=mappings, **rules))
    token = provider.token(place.claims(**{"hd": "example.com", "level": 3, **claims}))
    if why:
        assert why in await place.why(token)
    else:
        assert (await place.user(token)).name == "joe"


async def test_the_file_is_read_again(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider))
    assert place.assembly is not None
    assert place.assembly.reloading is not None
    token = provider.token(place.claims())
    assert (await place.user(token)).name == "oidc:joe"
    place.write(issuer(provider, claimMappings={"username": {"claim": "sub", "prefix": "new:"}}))
    assert await place.assembly.reloading.look()
    assert (await place.user(token)).name == "new:joe"
    # A mistake changes nothing.
    place.write({**issuer(provider), "wrong": 1})
    assert not await place.assembly.reloading.look()
    assert (await place.user(token)).name == "new:joe"
    place.write()
    assert await place.assembly.reloading.look()
    assert await place.why(token) == "invalid bearer token"


async def test_who_is_anonymous_is_said_at_the_start(
    place: Place, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"enabled": True, "conditions": [{"path": "/livez"}]}
    place.configure(issuer(provider), anonymous=said)
    assert place.assembly is not None
    assert place.assembly.reloading is not None
    anonymous = place.authenticator.anonymous
    for other in ({}, {"anonymous": {"enabled": False}}, {"anonymous": {"enabled": True}}):
        place.write(**other)
        assert not await place.assembly.reloading.look()
        assert "anonymous: Forbidden: changed from initial configuration file" in caplog.text
        caplog.clear()
    place.write(anonymous=said)
    assert await place.assembly.reloading.look()
    assert place.authenticator.anonymous == anonymous
    assert [anonymous.admits(path) for path in ("/livez", "/healthz")] == [True, False]


async def test_service_accounts_have_their_own_issuer(place: Place, provider: Provider) -> None:
    provider.url = "https://kubernetes"
    with pytest.raises(ConfigurationError, match="must not overlap with disallowed issuers: \\[https://kubernetes\\]"):
        place.configure(issuer(provider))


async def test_in_a_server(provider: Provider, tmp_path: Path) -> None:
    place = Place(tmp_path / "a.yaml")
    place.write(issuer(provider), anonymous={"enabled": False})
    store = memory.BACKEND.open("", place.clock)
    config = ServerConfig(authentication=Authentication(file=place.file))
    app = App(store, place.clock, config, catalog=CATALOG)
    await app.start()
    token = provider.token(place.claims())

    async def status(**headers: str) -> int:
        return (await app.handle(Request("GET", "/api", headers=headers))).status

    assert await status(authorization=f"Bearer {token}") == 200
    assert await status(authorization=f"Bearer {token[:-4]}AAAA") == 401
    assert await status() == 401
    await app.close()
    await store.close()


def test_the_keys_of_these_tests() -> None:
    assert jose.algorithm_of(key("r1").public_key()) == "RS256"
    assert jose.algorithm_of(key("e1").public_key()) == "ES256"
