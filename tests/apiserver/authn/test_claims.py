"""Claims as expressions see them, and what comes of values of every sort."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.apiserver.authn import claims, validation
from steersman.apiserver.authn.configuration import (
    AuthenticationConfiguration,
    ClaimMappings,
    ClaimOrExpression,
    Issuer,
    JWTAuthenticator,
    PrefixedClaimOrExpression,
)
from steersman.apiserver.authn.users import Refused

CLAIMS: dict[str, Any] = {
    "sub": "joe",
    "n": 3,
    "f": 1.5,
    "flag": True,
    "none": None,
    "list": ["a", "", "b"],
    "mixed": ["a", 1],
    "example.com/role": {"the-name": "admin", "list": [{"a.b": "deep"}]},
    "email": "joe@example.com",
}


def compiled(**mappings: Any) -> validation.Compiled:
    mappings.setdefault("username", PrefixedClaimOrExpression(claim="sub", prefix=""))
    issuer = Issuer(url="https://id", audiences=["me"])
    spec = JWTAuthenticator(issuer=issuer, claimMappings=ClaimMappings(**mappings))
    (found,), errors = validation.compiled(AuthenticationConfiguration(jwt=[spec]))
    assert errors == []
    return found


def groups(expression: str) -> tuple[str, ...]:
    user = claims.user_of(compiled(groups=PrefixedClaimOrExpression(expression=expression)), CLAIMS)
    assert user.groups[-1] == "system:authenticated"
    return user.groups[:-1]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("claims.sub", ("joe",)),
        ("claims.list", ("a", "b")),
        ("claims.none", ()),
        ("''", ()),
        ("[]", ()),
        ("claims.list.map(g, 'x:' + g)", ("x:a", "x:", "x:b")),
        ("claims.example__dot__com__slash__role.the__dash__name", ("admin",)),
        ("claims['example.com/role']['the-name']", ("admin",)),
        ("claims.example__dot__com__slash__role.list[0].a__dot__b", ("deep",)),
        ("has(claims.example__dot__com__slash__role) ? 'yes' : 'no'", ("yes",)),
        ("has(claims.missing) ? 'yes' : 'no'", ("no",)),
        ("claims.?missing.orValue('default')", ("default",)),
        ("'flag' in claims ? 'yes' : 'no'", ("yes",)),
        ("string(claims.n)", ("3",)),
        ("claims.n == 3 ? 'yes' : 'no'", ("yes",)),
        ("claims.n > 2 ? 'yes' : 'no'", ("yes",)),
        ("claims.exists(name, name == 'flag') ? 'yes' : 'no'", ("yes",)),
    ],
)
def test_expressions(expression: str, found: tuple[str, ...]) -> None:
    assert groups(expression) == found


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("claims.missing", "no such key: missing"),
        ("claims.mixed", "expression must return a string or a list of strings"),
        ("claims.n", "expression must return a string or a list of strings"),
        ("claims.flag", "expression must return a string or a list of strings"),
        ("claims.sub + claims.n", "no such overload"),
        ("claims.n + 1 > 0 ? 'a' : 'b'", "no such overload"),
    ],
)
def test_expressions_without_a_good_value(expression: str, why: str) -> None:
    with pytest.raises(Refused, match="oidc: error evaluating group claim expression: .*" + why):
        groups(expression)


@pytest.mark.parametrize(
    ("claim", "found"),
    [("sub", ("p:joe",)), ("list", ("p:a", "p:", "p:b")), ("missing", ()), ("none", ())],
)
def test_groups_by_claim(claim: str, found: tuple[str, ...]) -> None:
    user = claims.user_of(compiled(groups=PrefixedClaimOrExpression(claim=claim, prefix="p:")), CLAIMS)
    assert user.groups == (*found, "system:authenticated")


@pytest.mark.parametrize("claim", ["n", "flag", "mixed", "example.com/role"])
def test_groups_of_another_sort(claim: str) -> None:
    with pytest.raises(Refused, match=f'oidc: parse groups claim "{claim}": json: cannot unmarshal'):
        claims.user_of(compiled(groups=PrefixedClaimOrExpression(claim=claim, prefix="")), CLAIMS)


def test_uids() -> None:
    assert claims.user_of(compiled(uid=ClaimOrExpression(claim="sub")), CLAIMS).uid == "joe"
    assert claims.user_of(compiled(uid=ClaimOrExpression(expression="claims.sub + '!'")), CLAIMS).uid == "joe!"
    with pytest.raises(Refused, match="uid claim expression must return a string"):
        claims.user_of(compiled(uid=ClaimOrExpression(expression="claims.n")), CLAIMS)
    with pytest.raises(Refused, match='oidc: parse uid claim "missing": claim not present'):
        claims.user_of(compiled(uid=ClaimOrExpression(claim="missing")), CLAIMS)


@pytest.mark.parametrize(
    ("verified", "why"),
    [(True, ""), (None, "email_verified"), (False, "oidc: email not verified"), ("yes", "cannot unmarshal string")],
)
def test_emails_are_verified(verified: Any, why: str) -> None:
    mapping = compiled(username=PrefixedClaimOrExpression(claim="email", prefix=""))
    said = {**CLAIMS, "email_verified": verified}
    if not why:
        assert claims.user_of(mapping, said).name == "joe@example.com"
        assert claims.user_of(mapping, CLAIMS).name == "joe@example.com"
        return
    with pytest.raises(Refused, match=why):
        claims.user_of(mapping, said)


@pytest.mark.parametrize(
    ("expression", "why"),
    [("claims.n", "username claim expression must return a string"), ("''", "empty username via CEL expression")],
)
def test_usernames_by_expression(expression: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        claims.user_of(compiled(username=PrefixedClaimOrExpression(expression=expression)), CLAIMS)
