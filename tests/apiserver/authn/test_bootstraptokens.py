"""Bootstrap tokens: whom they name, and every way in which they do not."""

from __future__ import annotations

import logging
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.apiserver.conftest import Api

from steersman.api.http import User
from steersman.apiserver.authn import bootstraptokens
from steersman.kinds.types.core_v1 import Secret
from steersman.kinds.types.meta_v1 import ObjectMeta

SECRETS = "/api/v1/namespaces/kube-system/secrets"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
TOKEN = "abcdef.0123456789abcdef"
GOOD = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
}


def secret(name: str = "bootstrap-token-abcdef", kind: str = "bootstrap.kubernetes.io/token", **data: str) -> Any:
    encoded = {key.replace("_", "-"): b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name}, "type": kind, "data": encoded}


def good(**changes: str) -> dict[str, str]:
    return {**{key.replace("-", "_"): value for key, value in GOOD.items()}, **changes}


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_new_node(api: Api) -> None:
    await api.post(SECRETS, secret(**good(auth_extra_groups="system:bootstrappers:b,system:bootstrappers:a")))
    who = await api.as_(None).do("POST", SELF, {}, bearer())
    assert who["status"]["userInfo"] == {
        "username": "system:bootstrap:abcdef",
        "groups": [
            "system:bootstrappers",
            "system:bootstrappers:a",
            "system:bootstrappers:b",
            "system:authenticated",
        ],
    }
    review = {"spec": {"token": TOKEN}}
    reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    assert (await api.post(reviews, review))["status"]["audiences"] == ["https://kubernetes.default.svc.cluster.local"]
    review["spec"]["audiences"] = ["another"]  # type: ignore[assignment]
    assert not (await api.post(reviews, review))["status"].get("authenticated")
    await api.delete(f"{SECRETS}/bootstrap-token-abcdef")
    await api.as_(None).do("GET", "/api", None, bearer(), code=401)


async def test_a_flood_of_guesses_is_no_flood_of_lines(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await api.post(SECRETS, secret(**good()))
    with caplog.at_level(logging.INFO, "steersman.apiserver.authn"):
        for guess in range(50):
            await api.as_(None).do("GET", "/api", None, bearer(f"abcdef.{guess:016d}"), code=401)
    assert len(caplog.messages) == 1
    assert "bootstrap-token-abcdef matching the bearer token has another value for key token-secret" in caplog.text
    assert "0123456789abcdef" not in caplog.text


async def test_it_ends(api: Api) -> None:
    ends = "2027-01-15T08:05:00Z"
    await api.post(SECRETS, secret(**good(expiration=ends)))
    await api.as_(None).do("GET", "/api", None, bearer())
    await api.clock.advance(301)
    await api.as_(None).do("GET", "/api", None, bearer(), code=401)


@pytest.mark.parametrize(
    "made",
    [
        secret(**good(token_secret="0123456789abcdee")),
        secret(**good(token_id="ghijkl")),
        secret(**good(usage_bootstrap_authentication="false")),
        secret(**good(auth_extra_groups="system:masters")),
        secret(**good(auth_extra_groups="system:bootstrappers:a,")),
        secret(**good(auth_extra_groups="system:bootstrappers:")),
        secret(**good(expiration="2000-01-01T00:00:00Z")),
        secret(**good(expiration="soon")),
        secret(kind="Opaque", **good()),
        secret(name="bootstrap-token-ghijkl", **good()),
    ],
)
async def test_refused(api: Api, made: dict[str, Any]) -> None:
    await api.post(SECRETS, made)
    await api.as_(None).do("GET", "/api", None, bearer(), code=401)


@pytest.mark.parametrize(
    "token", ["abcdef", "abcdef.0123456789abcde", "ABCDEF.0123456789abcdef", f"{TOKEN}.x", f"x{TOKEN}"]
)
async def test_other_tokens(api: Api, token: str) -> None:
    await api.post(SECRETS, secret(**good()))
    await api.as_(None).do("GET", "/api", None, bearer(token), code=401)


async def test_elsewhere(api: Api) -> None:
    await api.post("/api/v1/namespaces/default/secrets", secret(**good()))
    await api.as_(None).do("GET", "/api", None, bearer(), code=401)


def test_what_is_being_deleted() -> None:
    data = {key: b64encode(value.encode()).decode() for key, value in GOOD.items()}
    meta = ObjectMeta(name="bootstrap-token-abcdef", namespace="kube-system")
    made = Secret(metadata=meta, type="bootstrap.kubernetes.io/token", data=data)
    now = datetime.now(UTC)
    user, _ = bootstraptokens.user_of(made, "abcdef", "0123456789abcdef", now)
    assert user == User("system:bootstrap:abcdef", ("system:bootstrappers", "system:authenticated"))
    meta.deletionTimestamp = "2026-01-01T00:00:00Z"
    assert bootstraptokens.user_of(made, "abcdef", "0123456789abcdef", now)[0] is None
