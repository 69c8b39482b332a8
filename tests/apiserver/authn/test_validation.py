"""What an AuthenticationConfiguration must not say: field by field, in upstream's words."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.authn.oidc import authority

from steersman.api import codec
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.authn import configuration, validation
from steersman.apiserver.authn.assembly import read

FILE = Path("authentication.yaml")
GOOD: dict[str, Any] = {
    "issuer": {"url": "https://id.example.com", "audiences": ["me"]},
    "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
}


def config(*jwt: dict[str, Any], version: str = "v1", **more: Any) -> bytes:
    kind = {"apiVersion": f"apiserver.config.k8s.io/{version}", "kind": "AuthenticationConfiguration"}
    return bytes(codec.encode({**kind, "jwt": list(jwt), **more}))


def good(path: str, value: Any) -> dict[str, Any]:
    """The good one with another value somewhere."""
    made = deepcopy(GOOD)
    at = made
    *steps, last = path.split(".")
    for step in steps:
        at = at.setdefault(step, {})
    at[last] = value
    return made


def wrong(data: bytes) -> list[str]:
    found, errors = validation.compiled(configuration.decode(data, FILE), ["https://kubernetes"])
    assert found or errors
    return [str(error) for error in errors]


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_what_is_right(version: str) -> None:
    assert read(config(GOOD, version=version), FILE, ()).issuers[0].issuer.audiences == ["me"]
    assert read(config(version=version), FILE, ()).issuers == ()
    found = read(config(anonymous={"enabled": True, "conditions": [{"path": "/livez"}]}), FILE, ())
    assert found.anonymous is not None
    assert found.anonymous.paths == {"/livez"}


EMAIL = "claims.email_verified must be used in claimMappings.username.expression"


@pytest.mark.parametrize(
    ("path", "value", "errors"),
    [
        ("issuer.url", "", ["jwt[0].issuer.url: Required value"]),
        ("issuer.url", "http://x", ['jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https']),
        ("issuer.url", "https://a:b@x", ['jwt[0].issuer.url: Invalid value: "https://a:b@x": URL must not contain a username or password']),
        ("issuer.url", "https://x?a=b", ['jwt[0].issuer.url: Invalid value: "https://x?a=b": URL must not contain a query']),
        ("issuer.url", "https://x#a", ['jwt[0].issuer.url: Invalid value: "https://x#a": URL must not contain a fragment']),
        ("issuer.url", "https://[x", ["jwt[0].issuer.url: Invalid value"]),
        ("issuer.url", "https://kubernetes", ["URL must not overlap with disallowed issuers: [https://kubernetes]"]),
        ("issuer.discoveryURL", "https://id.example.com/", ["discoveryURL must be different from URL"]),
        ("issuer.discoveryURL", "http://x", ["jwt[0].issuer.discoveryURL: Invalid value: \"http://x\": URL scheme must be https"]),
        ("issuer.audiences", [], ["jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required"]),
        ("issuer.audiences", [""], ["jwt[0].issuer.audiences[0]: Required value"]),
        ("issuer.audiences", ["a", "b"], ["audienceMatchPolicy must be MatchAny for multiple audiences"]),
        ("issuer.audiences", ["a", "a"], ['jwt[0].issuer.audiences[1]: Duplicate value: "a"', "audienceMatchPolicy must be"]),
        ("issuer.audienceMatchPolicy", "All", ["audienceMatchPolicy must be empty or MatchAny for single audience"]),
        ("issuer.certificateAuthority", "\u00e9", ['jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid']),
        ("issuer.certificateAuthority", "x", ['jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid']),
        ("issuer.egressSelectorType", "x", ["egress selector must be either controlplane or cluster"]),
        ("issuer.egressSelectorType", "controlplane", ['jwt[0].issuer.egressSelectorType: Invalid value: "controlplane": there are no egress selectors']),
        ("issuer.egressSelectorType", "cluster", ['jwt[0].issuer.egressSelectorType: Invalid value: "cluster": there are no egress selectors']),
        ("claimMappings.username", {}, ["jwt[0].claimMappings.username: Required value: claim or expression is required"]),
        ("claimMappings.username", {"claim": "sub"}, ["jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set"]),
        ("claimMappings.username", {"claim": "a", "expression": "claims.a"}, ["claim and expression can't both be set"]),
        ("claimMappings.username", {"expression": "claims.a", "prefix": ""}, ["jwt[0].claimMappings.username.prefix: Invalid value: \"\": may not be specified when expression is set"]),
        ("claimMappings.username", {"expression": "claims."}, ["jwt[0].claimMappings.username.expression: Invalid value: \"claims.\": compilation failed"]),
        ("claimMappings.username", {"expression": "user.name"}, ["undeclared reference to 'user'"]),
        ("claimMappings.username", {"expression": "claims.email"}, [EMAIL]),
        ("claimMappings.username", {"expression": "claims.?email.orValue('')"}, [EMAIL]),
        ("claimMappings.groups", {"claim": "g"}, ["jwt[0].claimMappings.groups.prefix: Required value"]),
        ("claimMappings.uid", {"claim": "g", "expression": "claims.g"}, ["jwt[0].claimMappings.uid: Invalid value: \"\": claim and expression can't both be set"]),
        ("claimMappings.extra", [{"key": "foo", "valueExpression": "claims.a"}], ["must be a domain-prefixed path"]),
        ("claimMappings.extra", [{"key": "a.io/Foo", "valueExpression": "claims.a"}], ["must be lowercase"]),
        ("claimMappings.extra", [{"key": "x.k8s.io/a", "valueExpression": "claims.a"}], ["subdomains are reserved for Kubernetes use"]),
        ("claimMappings.extra", [{"key": "a.io/a"}], ["jwt[0].claimMappings.extra[0].valueExpression: Required value"]),
        ("claimMappings.extra", [{"key": "a.io/a", "valueExpression": "claims.a"}] * 2, ['jwt[0].claimMappings.extra[1].key: Duplicate value: "a.io/a"']),
        ("claimValidationRules", [{}], ["jwt[0].claimValidationRules[0]: Required value: claim or expression is required"]),
        ("claimValidationRules", [{"claim": "a", "expression": "true"}], ["claim and expression can't both be set"]),
        ("claimValidationRules", [{"claim": "a", "message": "m"}], ["jwt[0].claimValidationRules[0].message: Invalid value: \"m\": may not be specified when claim is set"]),
        ("claimValidationRules", [{"claim": "a"}, {"claim": "a"}], ['jwt[0].claimValidationRules[1].claim: Duplicate value: "a"']),
        ("claimValidationRules", [{"expression": "claims.a"}], ["jwt[0].claimValidationRules[0].expression: Invalid value: \"claims.a\": must evaluate to bool"]),
        ("claimValidationRules", [{"expression": "true", "requiredValue": "x"}], ["may not be specified when expression is set"]),
        ("claimValidationRules", [{"expression": "true"}] * 2, ['claimValidationRules[1].expression: Duplicate value: "true"']),
        ("userValidationRules", [{}], ["jwt[0].userValidationRules[0].expression: Required value"]),
        ("userValidationRules", [{"expression": "user.nobody == ''"}], ["undefined field 'nobody'"]),
        ("userValidationRules", [{"expression": "true"}] * 2, ['userValidationRules[1].expression: Duplicate value: "true"']),
    ],
)  # fmt: skip
def test_what_is_wrong(path: str, value: Any, errors: list[str]) -> None:
    found = wrong(config(good(path, value)))
    assert len(found) == len(errors), found
    for error, expected in zip(found, errors, strict=True):
        assert expected in error


@pytest.mark.parametrize(
    "more",
    [
        {"claimValidationRules": [{"expression": "claims.email_verified == true"}]},
        {"claimMappings": {"username": {"expression": "claims.email_verified ? claims.email : claims.sub"}}},
        {
            "claimMappings": {
                "username": {"expression": "claims.email"},
                "extra": [{"key": "a.io/v", "valueExpression": "string(claims.?email_verified.orValue(true))"}],
            }
        },
    ],
)
def test_whoever_checks_may_use_the_email(more: dict[str, Any]) -> None:
    mappings = {"claimMappings": {"username": {"expression": "claims.email"}}}
    assert wrong(config({**GOOD, **mappings, **more})) == []


def test_who_is_anonymous_is_said_once() -> None:
    with pytest.raises(ConfigurationError, match="where the setting anonymous-auth is off"):
        read(config(anonymous={"enabled": True}), FILE, (), anonymous=False)
    assert read(config(), FILE, (), anonymous=False).anonymous is None


def test_a_good_authority() -> None:
    assert wrong(config(good("issuer.certificateAuthority", authority().cert.decode()))) == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "authentication.yaml: empty config data"),
        (config(GOOD, GOOD), 'jwt[1].issuer.url: Duplicate value: "https://id.example.com"'),
        (config(*[GOOD] * 65), "jwt: Too many: 65: must have at most 64 items"),
        (config({**GOOD, "other": 1}), "other"),
        (config(version="v2"), "v2"),
        (config(anonymous={"enabled": False, "conditions": [{"path": "/x"}]}), "anonymous.conditions: Invalid value"),
    ],
)
def test_files(data: bytes, why: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(data, FILE, ())
    assert why in str(refused.value)
    assert str(refused.value).startswith("authentication.yaml: ")
