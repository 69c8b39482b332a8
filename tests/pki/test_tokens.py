"""Service account tokens: what they say, and everything that must be refused."""

import base64
import json
from typing import Any

import pytest

from steersman.pki.certs import new_key, public_key
from steersman.pki.tokens import (
    LEGACY_ISSUER,
    BoundObject,
    Key,
    LegacyClaims,
    TokenError,
    jwks,
    service_account_claims,
    sign,
    unverified_issuer,
    verify,
)

KEY = Key(new_key())
PUBLIC = Key(public_key(KEY.pem))
OTHER = Key(new_key())
CLAIMS = service_account_claims(
    "ns",
    BoundObject("sa", "u-sa"),
    ["api"],
    1000,
    2000,
    jti="j",
    pod=BoundObject("web", "u-pod"),
    warn_after=1500,
)


def test_claims() -> None:
    assert CLAIMS == {
        "aud": ["api"],
        "exp": 2000,
        "iat": 1000,
        "iss": "https://kubernetes.default.svc.cluster.local",
        "jti": "j",
        "nbf": 1000,
        "sub": "system:serviceaccount:ns:sa",
        "kubernetes.io": {
            "namespace": "ns",
            "pod": {"name": "web", "uid": "u-pod"},
            "serviceaccount": {"name": "sa", "uid": "u-sa"},
            "warnafter": 1500,
        },
    }


@pytest.mark.parametrize("keys", [[KEY], [PUBLIC], [OTHER, PUBLIC]])
def test_round_trip(keys: list[Key]) -> None:
    assert verify(sign(CLAIMS, KEY), keys, 1000) == CLAIMS


def test_header_names_the_key() -> None:
    header = json.loads(base64.urlsafe_b64decode(sign(CLAIMS, KEY).split(".")[0] + "=="))
    assert header == {"alg": "ES256", "kid": PUBLIC.kid}


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def tampered() -> dict[str, tuple[str, str]]:
    header, claims, signature = sign(CLAIMS, KEY).split(".")
    return {
        "unknown key": (sign(CLAIMS, OTHER), "no keys found"),
        "changed claims": (f"{header}.{part({**CLAIMS, 'sub': 'root'})}.{signature}", "invalid signature"),
        "no algorithm": (f"{part({'alg': 'none'})}.{claims}.", "invalid signature"),
        "hmac": (f"{part({'alg': 'HS256'})}.{claims}.{signature}", "invalid signature"),
        "short signature": (f"{header}.{claims}.AAAA", "invalid signature"),
        "two parts": (f"{header}.{claims}", "JSON Web Token"),
        "empty": ("", "JSON Web Token"),
        "not base64": (f"{header}.{claims}.***", "base64url"),
        "not JSON": (f"AAAA.{claims}.{signature}", "JSON"),
        "list": (f"{part([])}.{claims}.{signature}", "JSON object"),
        "not ascii": (f"ä.{claims}.{signature}", "base64url"),
        "no expiry": (sign({"sub": "x"}, KEY), "expiry"),
        "expired": (sign({**CLAIMS, "exp": 939}, KEY), "expired"),
        "odd audience": (sign({**CLAIMS, "aud": 5}, KEY), "aud"),
        "odd audiences": (sign({**CLAIMS, "aud": ["a", None]}, KEY), "aud"),
        "odd end": (sign({**CLAIMS, "exp": True}, KEY), "exp"),
        "odd pod": (sign({**CLAIMS, "kubernetes.io": {"pod": "x"}}, KEY), "pod"),
        "odd warning": (sign({**CLAIMS, "kubernetes.io": {"warnafter": "x"}}, KEY), "warnafter"),
        "from the future": (sign({**CLAIMS, "nbf": 1100}, KEY), "not valid yet"),
    }


@pytest.mark.parametrize("case", list(tampered()))
def test_refused(case: str) -> None:
    token, message = tampered()[case]
    with pytest.raises(TokenError, match=message):
        verify(token, [KEY], 1000)


def test_clocks_may_differ_by_a_minute() -> None:
    assert verify(sign({**CLAIMS, "nbf": 1060}, KEY), [KEY], 1000)["nbf"] == 1060
    assert verify(sign({**CLAIMS, "exp": 940}, KEY), [KEY], 1000)["exp"] == 940


@pytest.mark.parametrize(
    ("token", "issuer"),
    [(sign(CLAIMS, KEY), CLAIMS["iss"]), ("abc", None), ("a.b.c", None), (f"x.{part({'iss': 1})}.x", None)],
)
def test_unverified_issuer(token: str, issuer: str | None) -> None:
    assert unverified_issuer(token) == issuer


def test_jwks_holds_public_numbers_only() -> None:
    (entry,) = jwks([KEY])["keys"]
    assert jwks([PUBLIC])["keys"] == [entry]
    assert entry.keys() == {"use", "kty", "kid", "crv", "alg", "x", "y"}
    assert (entry["kid"], entry["crv"]) == (KEY.kid, "P-256")


LEGACY = LegacyClaims("ns", BoundObject("sa", "u-sa"), "sa-token-x")


def test_a_token_in_a_secret_has_no_end() -> None:
    claims = LEGACY.to_json()
    assert claims["iss"] == LEGACY_ISSUER
    assert LegacyClaims.from_json(verify(sign(claims, KEY), [PUBLIC], 10.0**12)) == LEGACY
    # Only the issuer that has none.
    with pytest.raises(TokenError, match="no expiry"):
        verify(sign({**claims, "iss": "other"}, KEY), [KEY], 0)
    with pytest.raises(TokenError, match="expired"):
        verify(sign({**claims, "exp": 5}, KEY), [KEY], 66)


@pytest.mark.parametrize("claim", sorted(set(LEGACY.to_json()) - {"iss"}))
@pytest.mark.parametrize("value", [None, "", 5])
def test_a_token_in_a_secret_says_all(claim: str, value: Any) -> None:
    with pytest.raises(TokenError):
        LegacyClaims.from_json({**LEGACY.to_json(), claim: value})


def test_a_token_in_a_secret_does_not_contradict_itself() -> None:
    with pytest.raises(TokenError, match="subject"):
        LegacyClaims.from_json({**LEGACY.to_json(), "sub": "system:serviceaccount:ns:another"})
