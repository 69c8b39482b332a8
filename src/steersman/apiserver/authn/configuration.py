"""AuthenticationConfiguration (apiserver.config.k8s.io): the file's shape, read strictly, and the shorthand of single settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from steersman.api import configuration
from steersman.api.configuration import ConfigurationError
from steersman.api.schema import ApiType
from steersman.apiserver.authn.settings import Anonymous

GROUP, KIND = "apiserver.config.k8s.io", "AuthenticationConfiguration"
MATCH_ANY = "MatchAny"


class Issuer(ApiType, kw_only=True):
    url: str = ""
    discoveryURL: str | None = None
    certificateAuthority: str = ""
    audiences: list[str] | None = None
    audienceMatchPolicy: str = ""
    egressSelectorType: str = ""


class ClaimValidationRule(ApiType, kw_only=True):
    claim: str = ""
    requiredValue: str = ""
    expression: str = ""
    message: str = ""


class PrefixedClaimOrExpression(ApiType, kw_only=True):
    claim: str = ""
    prefix: str | None = None
    expression: str = ""


class ClaimOrExpression(ApiType, kw_only=True):
    claim: str = ""
    expression: str = ""


class ExtraMapping(ApiType, kw_only=True):
    key: str = ""
    valueExpression: str = ""


class ClaimMappings(ApiType, kw_only=True):
    username: PrefixedClaimOrExpression | None = None
    groups: PrefixedClaimOrExpression | None = None
    uid: ClaimOrExpression | None = None
    extra: list[ExtraMapping] | None = None


class UserValidationRule(ApiType, kw_only=True):
    expression: str = ""
    message: str = ""


class JWTAuthenticator(ApiType, kw_only=True):
    """One issuer of tokens, and what its claims mean here."""

    issuer: Issuer | None = None
    claimValidationRules: list[ClaimValidationRule] | None = None
    claimMappings: ClaimMappings | None = None
    userValidationRules: list[UserValidationRule] | None = None


class AnonymousCondition(ApiType, kw_only=True):
    path: str = ""


class AnonymousConfig(ApiType, kw_only=True):
    enabled: bool = False
    conditions: list[AnonymousCondition] | None = None


class AuthenticationConfiguration(ApiType, kw_only=True):
    jwt: list[JWTAuthenticator] | None = None
    anonymous: AnonymousConfig | None = None


_TYPES = {(f"{GROUP}/{version}", KIND): AuthenticationConfiguration for version in ("v1", "v1beta1", "v1alpha1")}


def decode(data: bytes, where: Path | str) -> AuthenticationConfiguration:
    """What a file says; what it must not say is found by `validation`. Raises ConfigurationError."""
    if not data.strip():
        raise ConfigurationError(f"{where}: empty config data")
    return configuration.decode(data, _TYPES, where)


def anonymous_of(config: AuthenticationConfiguration) -> Anonymous | None:
    """Who may be anonymous, if the file says so."""
    said = config.anonymous
    if said is None:
        return None
    return Anonymous(said.enabled, frozenset(condition.path for condition in said.conditions or ()))


@dataclass(frozen=True, kw_only=True)
class OIDC:
    """One issuer by single settings (`oidc_…`), as before there was a file."""

    issuer_url: str
    client_id: str
    ca: str = ""
    username_claim: str = "sub"
    username_prefix: str = ""
    groups_claim: str = ""
    groups_prefix: str = ""
    required_claims: Mapping[str, str]

    def authenticator(self) -> JWTAuthenticator:
        """The same as a file would say it. A username without a prefix has the issuer's; "-" is none."""
        prefix = self.username_prefix
        if not prefix and self.username_claim != "email":
            prefix = f"{self.issuer_url}#"
        if prefix == "-":
            prefix = ""
        groups = None
        if self.groups_claim:
            groups = PrefixedClaimOrExpression(claim=self.groups_claim, prefix=self.groups_prefix)
        rules = [ClaimValidationRule(claim=claim, requiredValue=value) for claim, value in self.required_claims.items()]
        return JWTAuthenticator(
            issuer=Issuer(url=self.issuer_url, audiences=[self.client_id], certificateAuthority=self.ca),
            claimMappings=ClaimMappings(
                username=PrefixedClaimOrExpression(claim=self.username_claim, prefix=prefix), groups=groups
            ),
            claimValidationRules=rules or None,
        )
