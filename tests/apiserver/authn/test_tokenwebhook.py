"""A server that knows tokens: asked once in a while, believed in what it says, and never told of in logs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.authn.oidc import HOST, authority, tls

from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.api.http import Request, Response, User
from steersman.apiserver.authn import Authentication, Authenticator, ServiceAccountTokens, tokenwebhook
from steersman.apiserver.authn.assembly import Assembly
from steersman.apiserver.authn.settings import Webhook
from steersman.apiserver.authn.tokenwebhook import WebhookTokens
from steersman.apiserver.authn.users import Refused, Rejected, Verdict
from steersman.apiserver.backend import Backends
from steersman.apiserver.webhook.asking import Said
from steersman.http.server import HTTPServer
from steersman.pki import certs, tokens

JOE = {"username": "joe", "uid": "7", "groups": ["g"], "extra": {"a.io/x": ["1", "2"]}}
OWN = ("https://kubernetes",)


class Server:
    """Answers every review alike."""

    def __init__(self, **status: Any) -> None:
        self.status, self.code, self.version = status, 201, "v1"
        self.asked: list[dict[str, Any]] = []
        self.headers: list[str] = []

    async def ask(self, body: bytes) -> Said:
        self.asked.append(json.loads(body))
        version = f"authentication.k8s.io/{self.version}"
        answer = {"kind": "TokenReview", "apiVersion": version, "status": self.status}
        return Said(self.code, json.dumps(answer).encode())

    async def handle(self, request: Request) -> Response:
        self.headers.append(request.headers.get("authorization", ""))
        said = await self.ask(request.body)
        return Response(said.status, {"Content-Type": "application/json"}, said.body)


class Answers:
    """A method without a socket."""

    def __init__(self, server: Server, ttl: float = 120.0, version: str = "v1") -> None:
        self.clock = FakeClock()
        self.method = WebhookTokens(server.ask, self.clock, OWN, version, ttl)

    async def verdict(self, token: str = "the-token", wanted: tuple[str, ...] = OWN) -> Verdict | None:
        found = self.method.verdict(token, wanted)
        return found if found is None or isinstance(found, Verdict) else await found


async def test_a_good_token() -> None:
    server = Server(authenticated=True, user=JOE)
    answers = Answers(server)
    found = await answers.verdict()
    user = User("joe", ("g", "system:authenticated"), "7", {"a.io/x": ("1", "2")})
    assert found == Verdict(user, OWN)
    assert server.asked[0]["spec"] == {"token": "the-token", "audiences": list(OWN)}
    assert server.asked[0]["apiVersion"] == "authentication.k8s.io/v1"
    # Now it is known, and nobody waits.
    assert answers.method.verdict("the-token", OWN) == found
    await answers.clock.advance(121)
    await answers.verdict()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("wanted", "said", "good"),
    [
        (("a", "b"), ["b", "c"], ("b",)),
        (("a",), ["c"], None),
        (("a", *OWN), None, OWN),
        (("a",), None, None),
        ((), None, ()),
    ],
)
async def test_audiences(wanted: tuple[str, ...], said: list[str] | None, good: tuple[str, ...] | None) -> None:
    found = await Answers(Server(authenticated=True, user=JOE, audiences=said)).verdict(wanted=wanted)
    assert (None if found is None else found.audiences) == good


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"authenticated": False}, None),
        ({}, None),
        ({"authenticated": False, "error": "revoked"}, "revoked"),
        ({"authenticated": True}, None),
        ({"authenticated": True, "user": {"username": ""}}, None),
        ({"authenticated": "yes"}, "no TokenReview"),
        ({"authenticated": True, "user": {"username": 7}}, "no TokenReview"),
    ],
)
async def test_other_answers(status: dict[str, Any], why: str | None) -> None:
    server = Server(**status)
    answers = Answers(server)
    for _ in range(2):
        if why is None:
            assert await answers.verdict() is None
        else:
            with pytest.raises(Refused, match=why):
                await answers.verdict()
    # An answer is remembered, whatever it is; what is none is not.
    assert len(server.asked) == (2 if why == "no TokenReview" else 1)


async def test_another_version() -> None:
    server = Server(authenticated=True, user=JOE)
    with pytest.raises(Refused, match="no TokenReview of v1beta1"):
        await Answers(server, version="v1beta1").verdict()


async def test_refusals_of_the_server_are_no_answers(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(authenticated=True, user=JOE)
    server.code = 403
    answers = Answers(server)
    with caplog.at_level(logging.DEBUG), pytest.raises(Refused, match="TokenReview"):
        await answers.verdict("very-secret")
    assert len(server.asked) == 1
    assert "very-secret" not in caplog.text
    server.code = 201
    assert await answers.verdict("very-secret") is not None


async def test_equal_tokens_at_the_same_time_are_asked_about_once() -> None:
    server, gate = Server(authenticated=True, user=JOE), asyncio.Event()

    async def slow(body: bytes) -> Said:
        said = await server.ask(body)
        await gate.wait()
        return said

    method = WebhookTokens(slow, FakeClock(), OWN, "v1")

    async def asked(token: str, wanted: tuple[str, ...] = OWN) -> Verdict | None:
        found = method.verdict(token, wanted)
        assert found is not None
        assert not isinstance(found, Verdict)
        return await found

    same = [asyncio.ensure_future(asked("the-token")) for _ in range(20)]
    others = [asyncio.ensure_future(asked("other")), asyncio.ensure_future(asked("the-token", ("a",)))]
    for _ in range(5):
        await asyncio.sleep(0)
    # Whoever has asked may go.
    same.pop(0).cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    gate.set()
    assert len(set(map(id, await asyncio.gather(*same)))) == 1
    await asyncio.gather(*others)
    assert len(server.asked) == 3


async def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenwebhook, "_SECONDS", 0.01)
    never = asyncio.Event()

    async def post(body: bytes) -> Said:
        await never.wait()
        return Said(200)

    found = WebhookTokens(post, FakeClock(), OWN, "v1").verdict("the-token", OWN)
    assert found is not None
    assert not isinstance(found, Verdict)
    with pytest.raises(Refused, match="context deadline exceeded"):
        await found


async def test_what_shows_the_token_is_not_repeated() -> None:
    answers = Answers(Server(authenticated=False, error="very-secret is unknown"))
    with pytest.raises(Refused, match=r"^… is unknown$"):
        await answers.verdict("very-secret")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Server, Path]]:
    """A server on a socket with TLS, and the kubeconfig that leads there."""
    server = Server(authenticated=True, user=JOE)
    http = HTTPServer(server.handle)
    port = await http.start([HOST], 0, tls(tmp_path))
    (tmp_path / "ca.crt").write_bytes(authority().cert)
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": f"https://{HOST}:{port}/check", "certificate-authority": "ca.crt"}}
        ],
        "users": [{"name": "u", "user": {"token": "ours"}}],
    }
    file = tmp_path / "webhook.yaml"
    file.write_text(json.dumps(config))
    yield server, file
    await http.close()


async def test_over_tls(served: tuple[Server, Path]) -> None:
    server, file = served
    clock, backends = FakeClock(), Backends()
    key = tokens.Key(certs.new_key())
    accounts = ServiceAccountTokens(key, (key,), audiences=OWN)
    authenticator = Authenticator(clock, service_accounts=accounts, lookup=lambda *_: "")
    Assembly(authenticator, Authentication(webhook=Webhook(file, "v1")), clock, backends, ())
    request = Request("GET", "/api", headers={"authorization": "Bearer t"})
    user = authenticator.authenticate(request)
    assert not isinstance(user, User)
    assert (await user).name == "joe"
    assert server.headers == ["Bearer ours"]
    assert isinstance(authenticator.authenticate(request), User)
    server.status = {"authenticated": False, "error": "revoked"}
    pending = authenticator.review("other")
    assert not isinstance(pending, Verdict)
    with pytest.raises(Rejected) as refused:
        await pending
    assert refused.value.why == "[invalid bearer token, revoked]"
    await backends.close()


def test_configuration(served: tuple[Server, Path], tmp_path: Path) -> None:
    _, file = served
    for webhook, why in (
        (
            Webhook(file, "v2"),
            'unsupported authentication webhook version "v2", supported versions are "v1", "v1beta1"',
        ),
        (Webhook(tmp_path / "none"), "No such file"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            Assembly(Authenticator(FakeClock()), Authentication(webhook=webhook), FakeClock(), Backends(), ())
