"""Service account tokens: keys and issuers that change, what tokens are bound to, and why they are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.apiserver.conftest import KEY, PODS, Api, pod

from steersman.api.clock import FakeClock
from steersman.apiserver.authn import Authenticator, ServiceAccountTokens
from steersman.apiserver.authn.serviceaccounts import ServiceAccounts
from steersman.apiserver.authn.users import Rejected, Verdict
from steersman.pki import jose, tokens
from steersman.pki.tokens import BoundObject

ACCOUNT = BoundObject("robot", "u-sa")
SETTINGS = ServiceAccountTokens(KEY, (KEY,))
UIDS = {"serviceaccounts": "u-sa", "pods": "u-pod", "nodes": "u-node", "secrets": "u-secret"}
START = 1_700_000_000.0
TOKENS = "/api/v1/namespaces/default/serviceaccounts/default/token"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


@cache
def key(kind: str) -> tokens.Key:
    made: Any
    if kind == "rsa":
        made = rsa.generate_private_key(65537, 2048)
    else:
        made = ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}[kind])
    return tokens.Key(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public(of: tokens.Key) -> tokens.Key:
    return tokens.Key(of.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def token(by: tokens.Key = KEY, audiences: tuple[str, ...] = (tokens.ISSUER,), **more: Any) -> str:
    claims = tokens.service_account_claims("ns", ACCOUNT, audiences, START, START + 3600, jti="j", **more)
    return tokens.sign(claims, by)


class Judge:
    """An authenticator over objects whose uids can be changed."""

    def __init__(self, settings: ServiceAccountTokens = SETTINGS) -> None:
        self.uids, self.clock = dict(UIDS), FakeClock()
        self.authenticator = Authenticator(self.clock, service_accounts=settings, lookup=self._uid)

    def _uid(self, plural: str, namespace: str, name: str) -> str:
        assert namespace == ("" if plural == "nodes" else "ns")
        return self.uids[plural]

    def __call__(self, token: str, *audiences: str) -> Verdict:
        found = self.authenticator.review(token, audiences)
        assert isinstance(found, Verdict)
        return found

    def why(self, token: str, *audiences: str) -> str:
        with pytest.raises(Rejected) as refused:
            self(token, *audiences)
        return refused.value.why.removeprefix("[invalid bearer token, ").removesuffix("]")


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521"])
def test_every_kind_of_key(kind: str) -> None:
    judge = Judge(ServiceAccountTokens(key(kind), (public(key(kind)),)))
    user = judge(token(key(kind))).user
    assert (user.name, user.uid) == ("system:serviceaccount:ns:robot", "u-sa")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    assert user.extra == {"authentication.kubernetes.io/credential-id": ("JTI=j",)}


def test_rotation() -> None:
    old, new = key("rsa"), key("p256")
    made = token(old)
    assert Judge(ServiceAccountTokens(old, (old,)))(made)
    assert Judge(ServiceAccountTokens(new, (new, public(old))))(made)
    assert Judge(ServiceAccountTokens(new, (new,))).why(made) == "invalid signature, no keys found"
    both = tokens.jwks((new, public(old)))["keys"]
    assert [(entry["kid"], entry["alg"]) for entry in both] == [(new.kid, "ES256"), (old.kid, "RS256")]


def test_a_kid_of_another_key_proves_nothing() -> None:
    claims = tokens.service_account_claims("ns", ACCOUNT, [tokens.ISSUER], START, START + 60, jti="j")
    forged = jose.sign({"kid": KEY.kid}, claims, jose.private_key(key("p256").pem))
    assert Judge().why(forged) == "invalid signature"


def test_several_issuers() -> None:
    settings = replace(SETTINGS, issuer="https://new", issuers=("https://old",))
    judge = Judge(settings)
    for issuer in ("https://new", "https://old"):
        assert judge(token(issuer=issuer))
    assert judge.why(token(issuer="https://other")) == "invalid bearer token"


def test_audiences() -> None:
    settings = replace(SETTINGS, audiences=("a", "b"))
    judge = Judge(settings)
    assert judge(token(audiences=("b", "c"))).audiences == ("b",)
    assert judge(token(audiences=("b", "c")), "c", "x").audiences == ("c",)
    assert judge.why(token(audiences=("c",))) == 'token audiences ["c"] is invalid for the target audiences ["a" "b"]'
    # A token without any is for the API server.
    assert judge(token(audiences=())).audiences == ("a", "b")


POD, NODE, SECRET = BoundObject("p", "u-pod"), BoundObject("n", "u-node"), BoundObject("s", "u-secret")
EXTRA = "authentication.kubernetes.io"


@pytest.mark.parametrize(
    ("bound", "extra"),
    [
        ({"pod": POD}, {"pod-name": "p", "pod-uid": "u-pod"}),
        (
            {"pod": POD, "node": NODE},
            {"pod-name": "p", "pod-uid": "u-pod", "node-name": "n", "node-uid": "u-node"},
        ),
        ({"pod": POD, "node": BoundObject("n")}, {"pod-name": "p", "pod-uid": "u-pod", "node-name": "n"}),
        ({"node": NODE}, {"node-name": "n", "node-uid": "u-node"}),
        ({"secret": SECRET}, {}),
    ],
)
def test_what_a_token_tells_of_its_place(bound: dict[str, BoundObject], extra: dict[str, str]) -> None:
    found = Judge()(token(**bound)).user.extra
    assert found == {
        f"{EXTRA}/credential-id": ("JTI=j",),
        **{f"{EXTRA}/{name}": (value,) for name, value in extra.items()},
    }


@pytest.mark.parametrize(
    ("bound", "plural", "uid", "why"),
    [
        ({}, "serviceaccounts", "", 'serviceaccounts "robot" not found'),
        ({}, "serviceaccounts", "x", "service account UID (x) does not match claim (u-sa)"),
        ({"pod": POD}, "pods", "", "service account token has been invalidated"),
        ({"pod": POD}, "pods", "x", "pod UID (x) does not match service account pod ref claim (u-pod)"),
        ({"secret": SECRET}, "secrets", "", "service account token has been invalidated"),
        (
            {"secret": SECRET},
            "secrets",
            "x",
            "secret UID (x) does not match service account secret ref claim (u-secret)",
        ),
        ({"node": NODE}, "nodes", "", "service account token has been invalidated"),
        ({"node": NODE}, "nodes", "x", "node UID (x) does not match service account node ref claim (u-node)"),
    ],
)
def test_a_token_dies_with_its_object(bound: dict[str, BoundObject], plural: str, uid: str, why: str) -> None:
    judge, made = Judge(), token(**bound)
    assert judge(made)
    judge.uids[plural] = uid
    assert judge.why(made) == why
    judge.uids = dict(UIDS)
    assert judge(made)


def test_long_tokens_are_good_but_not_remembered() -> None:
    judge = Judge()
    long = token(audiences=(tokens.ISSUER, "x" * 5000))
    for _ in range(2):
        assert judge(long).user.name == "system:serviceaccount:ns:robot"
    assert judge(token()).user.name == "system:serviceaccount:ns:robot"
    (method,) = judge.authenticator._local[:1]
    assert isinstance(method, ServiceAccounts)
    assert len(method._claims) == len(method._accounts) == 1
    assert long not in method._claims
    judge.uids["serviceaccounts"] = ""
    assert judge.why(long) == 'serviceaccounts "robot" not found'


def test_a_pod_s_token_does_not_die_with_its_node() -> None:
    judge = Judge()
    judge.uids["nodes"] = ""
    assert judge(token(pod=POD, node=NODE))


async def test_time() -> None:
    judge, made = Judge(), token(warn_after=START + 600)
    assert judge(made).notes == {}
    await judge.clock.advance(700)
    told = "subject: system:serviceaccount:ns:robot, seconds after warning threshold: 100"
    assert judge(made).notes == {"authentication.k8s.io/stale-token": told}
    await judge.clock.advance(2900 + 60)
    assert judge(made)
    await judge.clock.advance(1)
    assert judge.why(made) == "service account token has expired"


# Through the server


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def minted(api: Api, reference: dict[str, str] | None = None) -> str:
    spec = {} if reference is None else {"boundObjectRef": {"apiVersion": "v1", **reference}}
    return str((await api.post(TOKENS, {"spec": spec}))["status"]["token"])


async def test_a_minute_after_the_end(api: Api) -> None:
    made = pod()
    made["metadata"]["finalizers"] = ["example.com/wait"]
    await api.post(PODS, made)
    token = await minted(api, {"kind": "Pod", "name": "a"})
    # On its way out, with time to end its work, and long after that.
    await api.delete(f"{PODS}/a?gracePeriodSeconds=0")
    assert (await api.get(f"{PODS}/a"))["metadata"]["deletionTimestamp"]
    await api.as_(None).do("GET", "/api", None, bearer(token))
    await api.clock.advance(61)
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)
    review = await api.post(REVIEWS, {"spec": {"token": token}})
    assert review["status"] == {"error": "[invalid bearer token, service account token has been invalidated]"}


async def test_bound_to_a_secret(api: Api) -> None:
    secrets = "/api/v1/namespaces/default/secrets"
    await api.post(secrets, {"metadata": {"name": "s"}})
    token = await minted(api, {"kind": "Secret", "name": "s"})
    await api.as_(None).do("GET", "/api", None, bearer(token))
    await api.delete(f"{secrets}/s")
    await api.post(secrets, {"metadata": {"name": "s"}})
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)


async def test_bound_to_a_node(api: Api) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    token = await minted(api, {"kind": "Node", "name": "n"})
    who = await api.as_(None).do("POST", SELF, {}, bearer(token))
    assert who["status"]["userInfo"]["extra"]["authentication.kubernetes.io/node-name"] == ["n"]
    await api.delete("/api/v1/nodes/n")
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)


async def test_reviews_never_show_the_token(api: Api) -> None:
    token = await minted(api)
    for body in (
        {"token": token},
        {"token": "a-secret-of-somebody"},
        {"token": f"{token}x"},
        {"token": token, "audiences": ["x"]},
    ):
        answer = await api.raw("POST", REVIEWS, {"spec": body})
        assert isinstance(answer.body, bytes)
        assert body["token"].encode() not in answer.body
        assert str(body["token"]).rsplit(".", maxsplit=1)[-1].encode() not in answer.body
    refused = await api.post(REVIEWS, {"spec": {"token": ""}}, code=400)
    assert refused["message"] == "token is required for TokenReview in authentication"
    unknown = await api.post(REVIEWS, {"spec": {"token": "x"}})
    assert unknown["status"] == {"error": "invalid bearer token"}


def test_keys_do_not_show_themselves() -> None:
    assert "PRIVATE" not in repr(KEY)
    assert "PRIVATE" not in repr(SETTINGS)
