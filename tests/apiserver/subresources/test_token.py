"""Requests for tokens: what is filled in, what is shortened, and what must agree."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api, pod

from steersman.pki import jose, tokens
from steersman.pki.accountkey import NewKey

TOKENS = "/api/v1/namespaces/default/serviceaccounts/default/token"
ISSUER = "https://kubernetes.default.svc.cluster.local"


def claims(granted: dict[str, Any]) -> dict[str, Any]:
    return dict(jose.parse(granted["status"]["token"]).claims)


async def test_what_is_filled_in(api: Api) -> None:
    account = await api.get(TOKENS.removesuffix("/token"))
    granted = await api.post(TOKENS, {})
    meta = {"name": "default", "namespace": "default", "uid": account["metadata"]["uid"]}
    assert granted["metadata"] == {**meta, "creationTimestamp": "2027-01-15T08:00:00Z"}
    assert granted["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600}
    said = claims(granted)
    assert said["kubernetes.io"] == {"namespace": "default", "serviceaccount": {"name": "default", "uid": meta["uid"]}}
    assert (said["iat"], said["nbf"], said["exp"]) == (1_800_000_000, 1_800_000_000, 1_800_003_600)
    assert said["jti"] != claims(await api.post(TOKENS, {}))["jti"]


async def test_a_pod_s_node_is_told(api: Api) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await api.post(PODS, pod())
    await api.post(PODS, pod("b", nodeName="gone"))
    await api.post(f"{PODS}/a/binding", {"target": {"kind": "Node", "name": "n"}})
    for name, expected in (("a", ["name", "uid"]), ("b", ["name"])):
        reference = {"apiVersion": "v1", "kind": "Pod", "name": name}
        bound = claims(await api.post(TOKENS, {"spec": {"boundObjectRef": reference}}))["kubernetes.io"]
        assert sorted(bound["node"]) == expected


@pytest.mark.parametrize(
    ("extend", "seconds", "audiences", "bound", "life"),
    [
        (True, 3607, None, True, 365 * 24 * 3600),
        (True, 3607, [ISSUER], True, 365 * 24 * 3600),
        (True, 3607, [ISSUER, "me"], True, 3607),
        (True, 3607, None, False, 3607),
        (True, 3600, None, True, 3600),
        (False, 3607, None, True, 3607),
    ],
)
async def test_a_year_for_pods(
    api: Api, extend: bool, seconds: int, audiences: list[str] | None, bound: bool, life: int
) -> None:
    await api.post(PODS, pod())
    assert api.app.service_accounts is not None
    api.app.service_accounts = replace(api.app.service_accounts, extend_expiration=extend)
    spec: dict[str, Any] = {"expirationSeconds": seconds, "audiences": audiences}
    if bound:
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": "a"}
    granted = await api.post(TOKENS, {"spec": spec})
    said = claims(granted)
    assert said["exp"] - said["iat"] == life
    assert ("warnafter" in said["kubernetes.io"]) is (life > seconds)
    # The client is told to come back when it asked to.
    assert granted["status"]["expirationTimestamp"] == (
        "2027-01-15T09:00:07Z" if seconds == 3607 else "2027-01-15T09:00:00Z"
    )


async def test_the_longest_life(api: Api) -> None:
    assert api.app.service_accounts is not None
    api.app.service_accounts = replace(api.app.service_accounts, max_expiration=7200)
    answer = await api.raw("POST", TOKENS, {"spec": {"expirationSeconds": 86400}})
    assert "requested expiration of 86400 seconds shortened to 7200 seconds" in str(answer.headers)
    granted = await api.post(TOKENS, {"spec": {"expirationSeconds": 86400}})
    assert granted["spec"]["expirationSeconds"] == 7200
    said = claims(granted)
    assert said["exp"] - said["iat"] == 7200


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"metadata": {"name": "other"}},
            422,
            'TokenRequest.authentication.k8s.io "default" is invalid: metadata.name: Invalid value: "other": must match the '
            "service account name if specified",
        ),
        (
            {"metadata": {"namespace": "other"}},
            422,
            'metadata.namespace: Invalid value: "other": must match the service account namespace if specified',
        ),
        (
            {"metadata": {"uid": "x"}},
            409,
            'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "default": the UID in the token request (x) '
            "does not match the UID of the service account",
        ),
        (
            {"spec": {"expirationSeconds": 0}},
            422,
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds',
        ),
        (
            {"spec": {"boundObjectRef": {"apiVersion": "apps/v1", "kind": "Pod", "name": "a"}}},
            400,
            "cannot bind token to object of type apps/v1, Kind=Pod",
        ),
        (
            {"spec": {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "x"}}},
            409,
            'Operation cannot be fulfilled on Pod "a": the UID in the bound object reference (x) does not match',
        ),
        (
            {"spec": {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "other"}}},
            400,
            'cannot bind token for serviceaccount "default" to pod running with different serviceaccount name.',
        ),
    ],
)
async def test_refused(api: Api, body: dict[str, Any], code: int, message: str) -> None:
    await api.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "robot"}})
    await api.post(PODS, pod())
    await api.post(PODS, pod("other", serviceAccountName="robot"))
    refused = await api.post(TOKENS, body, code=code)
    assert message in refused["message"]


async def test_rsa(api: Api) -> None:
    """As a cluster has it: another thread signs, and whoever comes meanwhile is answered."""
    key = tokens.Key(NewKey().pair()[0])
    assert api.app.service_accounts is not None
    api.app.service_accounts = replace(api.app.service_accounts, signing_key=key, keys=(key,))
    granted, *_ = await asyncio.gather(api.post(TOKENS, {}), *(api.get(PODS) for _ in range(3)))
    token = granted["status"]["token"]
    assert jose.parse(token).algorithm == "RS256"
    assert tokens.verify(token, [key], api.clock.time())["iss"] == ISSUER
