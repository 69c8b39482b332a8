"""Tokens that a process behind a unix socket signs: what is believed of it, when its keys are fetched, and what is published."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.apiserver.authn.signer import answered_key
from tests.apiserver.conftest import CATALOG, Api
from tests.http.conftest import until

from steersman.api.clock import FakeClock
from steersman.api.http import Request
from steersman.apiserver.authn import ServiceAccountTokens
from steersman.apiserver.authn.externalsigner import FETCH_SECONDS, ExternalSigner, SignerError, key_of, keys_of
from steersman.apiserver.authn.users import Verdict
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.encryption.wire import Message, field
from steersman.apiserver.server import App
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.authentication import service_accounts_of, started
from steersman.pki import certs, jose
from steersman.store.backends import memory

PROGRAM = Path(__file__).with_name("signer.py")
TOKENS = "/api/v1/namespaces/default/serviceaccounts/default/token"
ISSUER = "https://kubernetes.default.svc.cluster.local"
PEMS = {
    "rsa": certs.private_pem(rsa.generate_private_key(65537, 2048)).decode(),
    "ec": certs.new_key().decode(),
    "old": certs.new_key().decode(),
}


def key(name: str, **more: Any) -> dict[str, Any]:
    return {"kid": name, "pem": PEMS[name], **more}


class Signer:
    """The process, and what it is told to do."""

    def __init__(self, directory: Path) -> None:
        self.socket, self.file = f"@steersman-{uuid.uuid4()}", directory / "signer.json"
        self.tell()
        command = [sys.executable, str(PROGRAM), self.socket, str(self.file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def tell(self, **said: Any) -> None:
        self.file.write_text(json.dumps({"keys": [key("rsa"), key("old", excluded=True)], "sign": "rsa", **said}))
        self.file.with_suffix(".calls").write_text("")

    @property
    def calls(self) -> list[str]:
        return self.file.with_suffix(".calls").read_text().split()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    found = Signer(tmp_path_factory.mktemp("signer"))
    yield found
    found.close()


@pytest.fixture
def signer(process: Signer) -> Signer:
    process.tell()
    return process


def config(**more: Any) -> ApiServerConfig:
    return ApiServerConfig(tls_cert_file="a", tls_key_file="b", client_ca_file="c", **more)


@pytest.fixture
async def api(signer: Signer) -> AsyncIterator[Api]:
    clock = FakeClock(1_800_000_000.0)
    accounts = await started(service_accounts_of(config(service_account_signing_endpoint=signer.socket), clock))
    store = memory.BACKEND.open("", clock)
    app = App(store, clock, ServerConfig(advertise_address="192.0.2.1"), catalog=CATALOG, service_accounts=accounts)
    await app.start()
    found = Api(app, clock)
    await found.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    yield found
    await app.close()
    await store.close()
    assert accounts.external is not None
    await accounts.external.close()


async def granted(api: Api, **spec: Any) -> str:
    token: str = (await api.post(TOKENS, {"spec": spec}))["status"]["token"]
    return token


async def who(api: Api, token: str) -> int:
    request = Request("GET", "/api", headers={"authorization": f"Bearer {token}"})
    return (await api.app.handle(request)).status


async def test_a_token(api: Api, signer: Signer) -> None:
    assert signer.calls == ["FetchKeys", "Metadata"]
    token = await granted(api)
    header, said = jose.parse(token).header, jose.parse(token).claims
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "rsa"}
    assert (said["iss"], said["sub"], said["exp"]) == (ISSUER, "system:serviceaccount:default:default", 1_800_003_600)
    # Its key is known: nobody is asked, and nobody waits.
    assert signer.calls == ["FetchKeys", "Metadata", "Sign"]
    assert isinstance(api.app.authenticator.review(token), Verdict)
    assert await who(api, token) == 200
    assert await who(api, token[:-4] + "AAAA") == 401
    assert signer.calls == ["FetchKeys", "Metadata", "Sign"]


async def test_metrics(api: Api, signer: Signer) -> None:
    await granted(api)
    signer.tell(fails=["Sign"])
    await api.post(TOKENS, {}, code=500)
    signer.tell(header={"typ": "x"})
    await api.post(TOKENS, {}, code=500)
    answer = await api.raw("GET", "/metrics")
    assert isinstance(answer.body, bytes)
    told = answer.body.decode()
    for line in (
        "fetch_keys_success_timestamp 1.8e+09",
        "fetch_keys_data_timestamp 1.8e+09",
        'fetch_keys_request_total{code="OK"} 1',
        'sign_request_total{code="OK"} 1',
        'sign_request_total{code="Internal"} 1',
        'sign_request_total{code="unknown-non-grpc"} 1',
        'request_duration_seconds_count{method="/v1.ExternalJWTSigner/Sign",code="OK"} 2',
        'request_duration_seconds_count{method="/v1.ExternalJWTSigner/Sign",code="Internal"} 1',
    ):
        assert f"\napiserver_externaljwt_{line}" in told, told[told.find("apiserver_externaljwt") :][:3000]


async def test_how_long_a_token_lives(api: Api, signer: Signer) -> None:
    long = await api.post(TOKENS, {"spec": {"expirationSeconds": 10_000}})
    assert long["spec"]["expirationSeconds"] == 7200
    # A pod's token has a year elsewhere, and here what the signer allows.
    await api.post(
        "/api/v1/namespaces/default/pods",
        {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "x"}]}},
    )
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "a"}
    said = jose.parse(await granted(api, expirationSeconds=3607, boundObjectRef=bound)).claims
    assert (said["exp"], said["kubernetes.io"]["warnafter"]) == (1_800_007_200, 1_800_003_607)


async def test_what_is_published(api: Api, signer: Signer) -> None:
    answer = await api.raw("GET", "/openid/v1/jwks")
    assert isinstance(answer.body, bytes)
    (published,) = json.loads(answer.body)["keys"]
    assert (published["kid"], published["alg"], published["kty"]) == ("rsa", "RS256", "RSA")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    await api.clock.advance(20)
    answer = await api.raw("GET", "/.well-known/openid-configuration")
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["id_token_signing_alg_values_supported"] == ["RS256"]
    assert answer.headers["Cache-Control"] == "public, max-age=40"
    # Tokens of a key that is not published are good all the same.
    old = jose.sign({"kid": "old"}, jose.parse(await granted(api)).claims, jose.private_key(PEMS["old"].encode()))
    assert await who(api, old) == 200


async def test_a_key_that_is_not_known_yet(api: Api, signer: Signer) -> None:
    said = jose.parse(await granted(api)).claims
    token = jose.sign({"kid": "ec"}, said, jose.private_key(PEMS["ec"].encode()))
    await api.clock.advance(2)
    signer.tell()
    assert await who(api, token) == 401
    assert signer.calls == ["FetchKeys"]
    # However many come, the signer is left alone for a while.
    assert [await who(api, token) for _ in range(3)] == [401] * 3
    assert signer.calls == ["FetchKeys"]
    signer.tell(keys=[key("ec"), key("rsa")])
    await api.clock.advance(2)
    assert await who(api, token) == 200
    # Who comes while the keys are fetched waits for them, too.
    signer.tell(keys=[key("old"), key("ec")])
    await api.clock.advance(2)
    late = [
        jose.sign({"kid": "old"}, {**said, "jti": str(n)}, jose.private_key(PEMS["old"].encode())) for n in range(4)
    ]
    assert await asyncio.gather(*(who(api, token) for token in late)) == [200] * 4
    assert signer.calls == ["FetchKeys"]
    # The signer uses another key: it is known before the token is out.
    signer.tell(sign="rsa", keys=[key("ec"), key("rsa")])
    await api.clock.advance(2)
    assert await who(api, await granted(api)) == 200
    assert signer.calls == ["Sign", "FetchKeys"]


async def test_a_slow_signer_is_asked_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    external, asked = ExternalSigner("@nobody", clock), 0

    async def call(name: str, request: bytes, seconds: float) -> Message:
        nonlocal asked
        asked += 1
        await clock.sleep(seconds)
        raise SignerError("rpc error: code = DeadlineExceeded", "DeadlineExceeded")

    monkeypatch.setattr(external, "_call", call)
    waiting = [asyncio.ensure_future(external.find(f"key-{n}")) for n in range(20)]
    await passed(clock, FETCH_SECONDS, lambda: all(task.done() for task in waiting))
    assert asked == 1


async def test_a_key_that_is_gone(api: Api, signer: Signer) -> None:
    token = await granted(api)
    assert await who(api, token) == 200
    signer.tell(keys=[key("ec")], sign="ec")
    assert api.app.service_accounts is not None
    external = api.app.service_accounts.external
    assert external is not None
    await api.clock.advance(2)
    await external.find("ec")
    # What was remembered of it is forgotten.
    assert await who(api, token) == 401
    assert await who(api, await granted(api)) == 200


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"fails": ["Sign"]}, "while signing jwt: rpc error: code = Internal desc = out of ink"),
        ({"unsigned": True}, "empty signature returned"),
        ({"header": {"typ": "at+jwt"}}, "while validating header: bad type"),
        ({"header": {"alg": "none"}}, 'while validating header: bad signing algorithm "none"'),
        ({"header": {"x5u": "y"}}, 'while validating header: while parsing header JSON: json: unknown field "x5u"'),
        ({"sign": "old"}, "key used for signing JWT (kid: old) is excluded from OIDC discovery docs"),
    ],
)
async def test_what_is_not_handed_out(api: Api, signer: Signer, said: dict[str, Any], why: str) -> None:
    signer.tell(**said)
    refused = await api.post(TOKENS, {}, code=500)
    assert refused["message"].startswith("Internal error occurred: failed to generate token: ")
    assert why in refused["message"]


async def test_keys_are_kept_fresh(signer: Signer, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    external = ExternalSigner(signer.socket, clock)
    await external.start()
    before = external.keys
    running = asyncio.ensure_future(external.run())
    signer.tell(fails=["FetchKeys"])
    await passed(clock, 60, lambda: "those of before stay good" in caplog.text)
    assert external.keys is before
    # Sooner than the signer had wanted.
    signer.tell(keys=[key("ec")], hint=5)
    await passed(clock, 10, lambda: external.keys is not before)
    assert [found.kid for found in external.keys] == ["ec"]
    same = external.keys
    calls = len(signer.calls)
    await passed(clock, 5, lambda: len(signer.calls) > calls)
    assert external.keys is same
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await external.close()


async def passed(clock: FakeClock, seconds: float, condition: Callable[[], bool]) -> None:
    """Let so much time pass, and then the process do its work."""
    await asyncio.sleep(0)
    await clock.advance(seconds)
    await until(condition)


@pytest.mark.parametrize(
    ("said", "settings", "why"),
    [
        (
            {"life": 599},
            {},
            r"max token life supported by external-jwt-signer \(599s\) is less than acceptable \(min 600s\)",
        ),
        (
            {"fails": ["Metadata"]},
            {},
            "while setting up external-jwt-signer: rpc error: code = Internal desc = out of ink",
        ),
        (
            {"fails": ["FetchKeys"]},
            {},
            "while initially filling key cache: while performing initial cache fill: while fetching",
        ),
        ({"hint": 0}, {}, r"found invalid refresh hint \(0s\)"),
        (
            {"life": 4000},
            {"service_account_max_token_expiration": 7200.0},
            "cannot be set longer than .*: 7200s > 4000s",
        ),
    ],
)
async def test_signers_that_will_not_do(
    signer: Signer, said: dict[str, Any], settings: dict[str, Any], why: str
) -> None:
    signer.tell(**said)
    accounts = service_accounts_of(config(service_account_signing_endpoint=signer.socket, **settings), FakeClock())
    with pytest.raises(ConfigError, match=why):
        await started(accounts)
    assert accounts.external is not None
    await accounts.external.close()


async def test_a_shorter_life_than_the_signer_s(signer: Signer) -> None:
    settings = config(service_account_signing_endpoint=signer.socket, service_account_max_token_expiration=3600.0)
    accounts = await started(service_accounts_of(settings, FakeClock()))
    assert (accounts.max_expiration, accounts.max_extended) == (3600, 7200)
    assert accounts.external is not None
    await accounts.external.close()
    own = ServiceAccountTokens(None, ())
    assert await started(own) is own


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"service_account_key_file": ("KEY",)}, "mutually exclusive"),
        ({"service_account_signing_key_file": "KEY"}, "mutually exclusive"),
        ({"service_account_signing_endpoint": "@a b"}, "must be a valid abstract socket name"),
        ({"service_account_signing_endpoint": "@"}, "must be a valid abstract socket name"),
        ({"service_account_issuer": ()}, "serviceAccountIssuer: is required"),
    ],
)
def test_settings(tmp_path: Path, more: dict[str, Any], why: str) -> None:
    file = tmp_path / "key"
    file.write_text(PEMS["ec"])
    given = json.loads(json.dumps(more).replace("KEY", str(file)))
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    with pytest.raises(ConfigError, match=why):
        service_accounts_of(config(**{"service_account_signing_endpoint": "/run/signer.sock", **given}), FakeClock())


KEYS = field(1, answered_key(key("ec")))
STAMP, HINT = field(2, field(1, 1)), field(3, 60)
BROKEN = field(1, field(1, "a") + field(2, b"nothing"))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (KEYS + STAMP, r"found invalid refresh hint \(0s\)"),
        (KEYS + STAMP + field(3, (1 << 64) - 5), r"found invalid refresh hint \(-5s\)"),
        (STAMP + HINT, "found no keys"),
        (KEYS + HINT, "invalid data timestamp: proto: invalid nil Timestamp"),
        (KEYS + HINT + field(2, field(1, 1 << 40)), "invalid data timestamp: .* out of range"),
        (KEYS + HINT + field(2, field(2, 10**9)), "invalid data timestamp: .* out of range"),
        (field(1, field(2, b"x")) + STAMP + HINT, 'found invalid public key id ""'),
        (field(1, field(1, "a" * 1025) + field(2, b"x")) + STAMP + HINT, "found invalid public key id"),
        (field(1, field(1, "a")) + STAMP + HINT, "found empty public key"),
        (BROKEN + STAMP + HINT, "while parsing external public keys: the public key cannot be read"),
    ],
)
def test_keys_that_are_none(answer: bytes, why: str) -> None:
    with pytest.raises(SignerError, match=why):
        keys_of(Message(answer))


def test_keys() -> None:
    found, hint, stamp = keys_of(Message(KEYS + field(1, answered_key(key("old", excluded=True))) + STAMP + HINT))
    assert [(each.kid, each.algorithm, each.excluded) for each in found] == [
        ("ec", "ES256", False),
        ("old", "ES256", True),
    ]
    assert (hint, stamp) == (60, 1.0)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("?", "while unwrapping header"),
        ({"alg": "ES256", "typ": "JWT"}, "key id missing"),
        ({"alg": "ES256", "typ": "JWT", "kid": "a" * 1025}, "key id longer than 1 kb"),
        ({"alg": "ES256", "typ": "JWT", "kid": 7}, "while parsing header JSON"),
        ({"alg": "ES256", "kid": "a"}, "bad type"),
        ({"alg": "PS256", "typ": "JWT", "kid": "a"}, 'bad signing algorithm "PS256"'),
        ({"alg": "ES256", "typ": "JWT", "kid": "a", "jku": "b"}, 'json: unknown field "jku"'),
    ],
)
def test_headers(header: Any, why: str) -> None:
    with pytest.raises(SignerError, match=why):
        key_of(header if isinstance(header, str) else jose.encode_json(header))


def test_a_header() -> None:
    for algorithm in ("RS256", "ES256", "ES384", "ES512"):
        assert key_of(jose.encode_json({"alg": algorithm, "typ": "JWT", "kid": "a"})) == "a"
