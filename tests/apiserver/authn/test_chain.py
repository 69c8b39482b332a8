"""Who asks: tokens of all sorts, the transport's user, and reviews."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.conftest import KEY, PODS, Api, pod

from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.api.errors import Unauthorized
from steersman.api.http import Request, User
from steersman.apiserver.authn import Anonymous, Authenticator, ServiceAccountTokens, read_token_file
from steersman.apiserver.authn.users import Refused, Verdict
from steersman.pki import tokens
from steersman.pki.tokens import BoundObject

TOKENS = "/api/v1/namespaces/default/serviceaccounts/default/token"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_static_tokens() -> None:
    authenticator = Authenticator(FakeClock(), {"t": User("joe", ("g",))})
    user = authenticator.authenticate(Request("GET", "/api", headers=bearer("t")))
    assert (user.name, user.groups) == ("joe", ("g", "system:authenticated"))
    with pytest.raises(Unauthorized):
        authenticator.authenticate(Request("GET", "/api", headers=bearer("x")))


@pytest.mark.parametrize(
    ("settings", "path", "code"),
    [
        (Anonymous(), "/api", 403),
        (Anonymous(), "/livez", 200),
        (Anonymous(False), "/livez", 401),
        (Anonymous(True, frozenset({"/livez"})), "/livez", 200),
        (Anonymous(True, frozenset({"/livez"})), "/livez/ping", 401),
        (Anonymous(True, frozenset({"/livez"})), "/api", 401),
    ],
)
async def test_anonymous(api: Api, settings: Anonymous, path: str, code: int) -> None:
    api.app.authenticator.anonymous = settings
    answer = await api.as_(None).raw("GET", path)
    assert answer.status == code
    if code == 403:
        refused = await api.as_(None).get(path, code=403)
        assert refused["message"] == 'forbidden: User "system:anonymous" cannot get path "/api"'
    # Whoever shows something wrong is nobody, wherever they go.
    await api.as_(None).do("GET", path, None, bearer("wrong"), code=401)
    # Other schemes are nothing that is shown.
    assert (await api.as_(None).raw("GET", path, None, {"authorization": "Basic dDp0"})).status == code


async def test_the_answer_to_a_wrong_token(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await api.as_(None).do("GET", PODS, None, bearer("very-secret"), code=401)
    assert answer == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert "invalid bearer token" in caplog.text
    assert "very-secret" not in caplog.text


async def test_a_flood_is_no_flood_of_lines(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    authenticator = Authenticator(clock)
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            with pytest.raises(Unauthorized):
                authenticator.authenticate(Request("GET", "/api", headers=bearer("x")))
        await clock.advance(1)
        with pytest.raises(Unauthorized):
            authenticator.authenticate(Request("GET", "/api", headers=bearer("x")))
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith("(99 more since the last such line)")


def test_what_is_told_is_never_long(caplog: pytest.LogCaptureFixture) -> None:
    class Verbose:
        def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | None:
            raise Refused("why" * 100_000)

    authenticator = Authenticator(FakeClock())
    authenticator.take([Verbose()])
    with caplog.at_level(logging.INFO), pytest.raises(Unauthorized):
        authenticator.authenticate(Request("GET", "/api", headers=bearer("x")))
    assert len(caplog.messages[0]) < 3000


def test_what_is_no_text_is_no_token() -> None:
    class Asked:
        def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | None:
            raise AssertionError(token)

    authenticator = Authenticator(FakeClock())
    authenticator.take([Asked()])
    with pytest.raises(Unauthorized):
        authenticator.authenticate(Request("GET", "/api", headers=bearer("x\udcfc")))


async def test_a_space_too_many(api: Api) -> None:
    answer = await api.as_(None).raw("GET", "/livez", None, {"authorization": "Bearer  token"})
    assert answer.status == 200
    refused = await api.as_(None).raw("GET", PODS, None, {"authorization": "Bearer  token"})
    assert refused.status == 403
    assert "extra space before the bearer token" in str(refused.headers)


def test_the_transports_user_counts() -> None:
    user = Authenticator(FakeClock()).authenticate(Request("GET", "/api", user=User("x")))
    assert (user.name, user.groups) == ("x", ("system:authenticated",))


def test_a_certificate_goes_before_a_token() -> None:
    authenticator = Authenticator(FakeClock(), {"t": User("joe")})
    for header in (bearer("t"), bearer("x"), {"authorization": "Basic abc"}):
        assert authenticator.authenticate(Request("GET", "/api", headers=header, user=User("x"))).name == "x"


async def test_service_account_tokens(api: Api) -> None:
    granted = await api.post(TOKENS, {})
    assert granted["status"]["expirationTimestamp"] == "2027-01-15T09:00:00Z"
    token = granted["status"]["token"]
    stranger = api.as_(None)
    who = await stranger.do("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, bearer(token))
    info = who["status"]["userInfo"]
    assert info["username"] == "system:serviceaccount:default:default"
    assert info["groups"] == ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]
    assert info["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("JTI=")
    await api.clock.advance(3661)
    await stranger.do("GET", "/api", None, bearer(token), code=401)


async def test_a_token_dies_with_its_account(api: Api) -> None:
    token = (await api.post(TOKENS, {}))["status"]["token"]
    await api.as_(None).do("GET", "/api", None, bearer(token))
    await api.delete("/api/v1/namespaces/default/serviceaccounts/default")
    await api.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)


async def test_a_token_dies_with_its_pod(api: Api) -> None:
    await api.post(PODS, pod())
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "a"}
    granted = await api.post(TOKENS, {"spec": {"boundObjectRef": reference, "expirationSeconds": 3607}})
    # Told to come back in an hour, but good for longer in case the client does not.
    assert granted["status"]["expirationTimestamp"] == "2027-01-15T09:00:07Z"
    token = granted["status"]["token"]
    await api.clock.advance(7200)
    await api.as_(None).do("GET", "/api", None, bearer(token))
    await api.delete(f"{PODS}/a")
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"expirationSeconds": 5}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": 2**33}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "no"}}, 404, 'pods "no" not found'),
        ({"boundObjectRef": {"kind": "X", "apiVersion": "v1", "name": "no"}}, 400, "cannot bind token"),
    ],
)
async def test_bad_token_requests(api: Api, spec: dict[str, Any], code: int, message: str) -> None:
    answer = await api.post(TOKENS, {"spec": spec}, code=code)
    assert message in answer["message"]


async def test_reviews(api: Api) -> None:
    token = (await api.post(TOKENS, {"spec": {"audiences": ["me"]}}))["status"]["token"]
    good = await api.post(REVIEWS, {"spec": {"token": token, "audiences": ["me", "you"]}})
    assert good["status"]["authenticated"] is True
    assert good["status"]["audiences"] == ["me"]
    assert good["status"]["user"]["username"] == "system:serviceaccount:default:default"
    assert good["spec"].get("token", "") == ""
    for body in ({"token": token}, {"token": "x"}):
        bad = await api.post(REVIEWS, {"spec": body})
        assert bad["status"].get("authenticated", False) is False
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)


def test_a_foreign_key_is_refused() -> None:
    from steersman.pki import certs

    clock = FakeClock()
    account = BoundObject("a", "u")
    claims = tokens.service_account_claims("n", account, [tokens.ISSUER], clock.time(), clock.time() + 60, jti="j")
    settings = ServiceAccountTokens(KEY, (KEY,))
    authenticator = Authenticator(clock, service_accounts=settings, lookup=lambda plural, namespace, name: "u")
    found = authenticator.review(tokens.sign(claims, KEY))
    assert isinstance(found, Verdict)
    assert found.user.uid == "u"
    with pytest.raises(Unauthorized):
        authenticator.review(tokens.sign(claims, tokens.Key(certs.new_key())))


def test_token_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text('abc,joe,1,"a,b"\n#x\n\ndef,jane,2\n')
    assert read_token_file(file) == {"abc": User("joe", ("a", "b"), "1"), "def": User("jane", (), "2")}
    for content, why in (("secret,joe\n", "must have at least 3 columns .token, user name, user uid., found 2"),):
        file.write_text(content)
        with pytest.raises(ConfigurationError, match=why) as refused:
            read_token_file(file)
        assert "secret" not in str(refused.value)
    file.write_text("t,joe,1\n,nobody,2\nt,jane,3\n")
    assert read_token_file(file) == {"t": User("jane", (), "3")}
