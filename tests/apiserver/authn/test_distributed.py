"""Groups that are somewhere else: where tokens send us, what is believed of what comes from there, and what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.authn.oidc import Provider, served
from tests.apiserver.authn.test_oidc import Place, issuer

MAPPINGS = {"username": {"claim": "sub", "prefix": ""}, "groups": {"claim": "groups", "prefix": ""}}
FAR = {"aud": "me", "exp": 2e9, "groups": ["far"]}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    found = Provider()
    server = await served(found, tmp_path)
    yield found
    await server.close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    found = Place(tmp_path / "authentication.yaml")
    yield found
    await found.backends.close()


def sent(provider: Provider, path: str = "/groups") -> dict[str, Any]:
    """Claims that send whoever reads them to the provider's page."""
    source = {"endpoint": f"{provider.url}{path}", "access_token": "key-to-groups"}
    return {"_claim_names": {"groups": "src"}, "_claim_sources": {"src": source}}


async def test_groups(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider, claimMappings=MAPPINGS))
    provider.pages["/groups"] = provider.token(FAR).encode()
    assert (await place.user(provider.token(place.claims(**sent(provider))))).groups == ("far", "system:authenticated")
    assert provider.authorized[provider.asked.index("/groups")] == "Bearer key-to-groups"
    near = await place.user(provider.token(place.claims(groups=["near"], **sent(provider))))
    assert near.groups == ("near", "system:authenticated")
    assert provider.asked == ["/.well-known/openid-configuration", "/keys", "/groups"]


async def test_an_issuer_whose_document_is_elsewhere(place: Place, provider: Provider) -> None:
    there = f"{provider.url}/elsewhere/.well-known/openid-configuration"
    place.configure(issuer(provider, issuer={"discoveryURL": there}, claimMappings=MAPPINGS))
    provider.pages["/groups"] = provider.token(FAR).encode()
    assert "far" in (await place.user(provider.token(place.claims(**sent(provider))))).groups
    # The issuer's keys are known: nobody looks for them where they are not.
    assert provider.asked == ["/elsewhere/.well-known/openid-configuration", "/keys", "/groups"]


async def test_another_issuer(place: Place, provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = Provider(keys=["e1"])
    server = await served(other, tmp_path / "b")
    place.configure(issuer(provider, claimMappings=MAPPINGS))
    other.pages["/groups"] = other.token(FAR).encode() + b"\n"
    assert "far" in (await place.user(provider.token(place.claims(**sent(other))))).groups
    assert other.asked == ["/groups", "/.well-known/openid-configuration", "/keys"]
    # With its keys in hand it is asked for the groups only.
    assert "far" in (await place.user(provider.token(place.claims(sub="jane", **sent(other))))).groups
    assert other.asked[3:] == ["/groups"]
    # What another issuer says of groups is no token of its own.
    assert await place.why(other.token(place.claims())) == "invalid bearer token"
    await server.close()


async def test_an_issuer_that_is_not_there(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider, claimMappings=MAPPINGS))
    nowhere = f"{provider.url}/nobody"
    provider.pages["/groups"] = provider.token({**FAR, "iss": nowhere}).encode()
    why = await place.why(provider.token(place.claims(**sent(provider))))
    assert f"verifying untrusted issuer {nowhere} failed: " in why


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ({"aud": "you"}, "verify distributed claim token: oidc: expected audience"),
        ({"exp": 1}, "verify distributed claim token: oidc: token is expired"),
        ({"groups": 7}, 'oidc: parse groups claim "groups": json: cannot unmarshal number'),
    ],
)
async def test_what_is_not_believed(place: Place, provider: Provider, page: Mapping[str, Any], why: str) -> None:
    place.configure(issuer(provider, claimMappings=MAPPINGS))
    provider.pages["/groups"] = provider.token({**FAR, **page}).encode()
    assert why in await place.why(provider.token(place.claims(**sent(provider))))


async def test_pages_that_are_no_answer(place: Place, provider: Provider) -> None:
    place.configure(issuer(provider, claimMappings=MAPPINGS))
    far = provider.url
    pages = {
        "/missing": (None, 'while getting distributed claim "groups"'),
        "/text": (b"groups", f'getting untrusted issuer from endpoint {far}/text failed for claim "groups": '),
        "/other": (provider.token({"aud": "me", "exp": 2e9}).encode(), "did not contain claim: groups"),
        "/forged": (provider.token(FAR, "r2").encode(), "failed to verify signature"),
        "/forged-by-name": (provider.token(FAR, "r2", kid="r1").encode(), "failed to verify signature"),
    }
    for path, (page, why) in pages.items():
        if page is not None:
            provider.pages[path] = page
        await place.clock.advance(11)
        told = await place.why(provider.token(place.claims(**sent(provider, path))))
        assert "oidc: could not expand distributed claims: " in told
        assert why in told


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"_claim_names": "groups"}, "error parsing distributed claim names"),
        ({"_claim_names": {"groups": 7}}, "error parsing distributed claim names"),
        ({"_claim_names": {"groups": "src"}}, "oidc: no claim sources"),
        ({"_claim_names": {"other": "src"}}, "oidc: no claim sources"),
        ({"_claim_names": {"groups": "src"}, "_claim_sources": []}, "could not parse claim sources"),
        ({"_claim_names": {"groups": "src"}, "_claim_sources": ["src"]}, "could not parse claim sources"),
        (
            {"_claim_names": {"groups": "src"}, "_claim_sources": {"src": {"endpoint": 7}}},
            "could not parse claim sources",
        ),
        ({"_claim_names": {"groups": "a"}, "_claim_sources": {}}, "contained a source a missing in _claims_sources"),
        (
            {"_claim_names": {"groups": "a"}, "_claim_sources": {"a": {"endpoint": "http://127.0.0.1/"}}},
            "must be https",
        ),
        # An aggregated claim, one that is said to be nowhere, and those of others: there are no groups then.
        ({"_claim_names": {"groups": "a"}, "_claim_sources": {"a": {"JWT": "e30.e30.e30"}}}, None),
        ({"_claim_names": {"groups": "a"}, "_claim_sources": {"a": None}}, None),
        ({"_claim_names": {"other": "a"}, "_claim_sources": {}}, None),
        ({"_claim_names": None, "_claim_sources": None}, None),
    ],
)
async def test_claims_that_send_nobody(place: Place, provider: Provider, said: dict[str, Any], why: str | None) -> None:
    place.configure(issuer(provider, claimMappings=MAPPINGS))
    token = provider.token(place.claims(**said))
    if why is None:
        assert (await place.user(token)).groups == ("system:authenticated",)
    else:
        assert why in await place.why(token)
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
