"""The API server's ways of authentication, made of its settings."""

from __future__ import annotations

import logging
import re
from dataclasses import MISSING, fields, replace
from pathlib import Path
from urllib.parse import urlsplit

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError, read_bytes
from steersman.apiserver.authn import Anonymous, Authentication, ServiceAccountTokens, read_token_file
from steersman.apiserver.authn.configuration import OIDC, JWTAuthenticator
from steersman.apiserver.authn.settings import Webhook
from steersman.apiserver.authorizers.settings import ALWAYS_ALLOW
from steersman.apiserver.config import FrontProxy
from steersman.apiserver.frontproxy import overlap
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError
from steersman.pki import jose, tokens

_ENDS = {"Extra": "HeadersPrefix", "Allowed": "Names", "Username": "Headers", "Uid": "Headers", "Group": "Headers"}
_ABSTRACT = re.compile(r"@([a-zA-Z0-9_-]+\.)*[a-zA-Z0-9_-]+")
log = logging.getLogger(__name__)
_HOUR, _LONGEST = 3600, 2**32


def service_accounts_of(config: ApiServerConfig, clock: Clock) -> ServiceAccountTokens:
    """How service account tokens are made and checked; `started` has to be awaited next. Raises ConfigError."""
    keys: list[tokens.Key] = []
    for file in config.service_account_key_file:
        keys += _keys(file, "serviceAccountKeyFile")
    if config.service_account_signing_endpoint:
        if keys or config.service_account_signing_key_file:
            raise ConfigError(
                "serviceAccountSigningEndpoint: can't be set together with service-account-signing-key-file or "
                "service-account-key-file (they are mutually exclusive)"
            )
        return _external(config, clock)
    signing = keys
    if config.service_account_signing_key_file:
        signing = _keys(config.service_account_signing_key_file, "serviceAccountSigningKeyFile")
    private = next((key for key in signing if key.is_private), None)
    if private is None:
        raise ConfigError(
            "serviceAccountSigningKeyFile: there is no private key that could sign service account tokens"
        )
    known = {key.kid: key for key in (private, *keys)}
    issuers = _issuers(config.service_account_issuer)
    return ServiceAccountTokens(
        private,
        tuple(known.values()),
        issuers[0],
        config.api_audiences or issuers,
        issuers[1:],
        _max_expiration(config.service_account_max_token_expiration),
        config.service_account_extend_token_expiration,
        _jwks_uri(config.service_account_jwks_uri),
    )


def _keys(file: str, setting: str) -> list[tokens.Key]:
    try:
        return list(tokens.load_keys(Path(file)))
    except OSError as error:
        raise ConfigError(f"{setting}: {file}: {error.strerror}") from error
    except tokens.TokenError as error:
        raise ConfigError(f"{setting}: {file}: {error}") from error


def _external(config: ApiServerConfig, clock: Clock) -> ServiceAccountTokens:
    from steersman.apiserver.authn.externalsigner import ExternalSigner

    endpoint = config.service_account_signing_endpoint
    if endpoint.startswith("@") and not _ABSTRACT.fullmatch(endpoint):
        raise ConfigError(
            f'serviceAccountSigningEndpoint: invalid value "{endpoint}", when prefixed with @ must be a valid abstract socket name'
        )
    issuers = _issuers(config.service_account_issuer)
    return ServiceAccountTokens(
        None,
        (),
        issuers[0],
        config.api_audiences or issuers,
        issuers[1:],
        _max_expiration(config.service_account_max_token_expiration),
        config.service_account_extend_token_expiration,
        _jwks_uri(config.service_account_jwks_uri),
        external=ExternalSigner(endpoint, clock),
    )


async def started(accounts: ServiceAccountTokens) -> ServiceAccountTokens:
    """The same with what an external signer says of itself, once it can be asked. Raises ConfigError."""
    external = accounts.external
    if external is None:
        return accounts
    from steersman.apiserver.authn.externalsigner import SignerError

    try:
        await external.start()
    except SignerError as error:
        raise ConfigError(f"serviceAccountSigningEndpoint: while setting up external-jwt-signer: {error}") from error
    longest = external.max_expiration
    if accounts.max_expiration > longest:
        raise ConfigError(
            "serviceAccountMaxTokenExpiration: cannot be set longer than the token expiration supported by "
            f"service-account-signing-endpoint: {accounts.max_expiration}s > {longest}s"
        )
    return replace(
        accounts,
        max_expiration=accounts.max_expiration or longest,
        max_extended=min(accounts.max_extended, longest),
    )


def _issuers(issuers: tuple[str, ...]) -> tuple[str, ...]:
    """The issuers of service account tokens, if they are. Raises ConfigError."""
    if not issuers:
        raise ConfigError("serviceAccountIssuer: is required")
    for i, issuer in enumerate(issuers):
        if not issuer:
            raise ConfigError("serviceAccountIssuer: should not be an empty string")
        if issuer in issuers[:i]:
            raise ConfigError(f'serviceAccountIssuer: "{issuer}" is already specified')
        if ":" in issuer:
            try:
                urlsplit(issuer)
            except ValueError as error:
                raise ConfigError(
                    f"serviceAccountIssuer: \"{issuer}\" contained a ':' but was not a valid URL: {error}"
                ) from error
    return issuers


def _max_expiration(seconds: float) -> int:
    if seconds and not _HOUR <= seconds <= _LONGEST:
        raise ConfigError("serviceAccountMaxTokenExpiration: must be between 1 hour and 2^32 seconds")
    return int(seconds)


def _jwks_uri(uri: str) -> str:
    if uri and urlsplit(uri).scheme != "https":
        raise ConfigError(f"serviceAccountJwksUri: requires https scheme, not {uri!r}")
    return uri


def authentication_of(config: ApiServerConfig) -> Authentication:
    """Everything else. Raises ConfigError."""
    try:
        static = read_token_file(Path(config.token_auth_file)) if config.token_auth_file else {}
    except ConfigurationError as error:
        raise ConfigError(f"tokenAuthFile: {error}") from error
    file = Path(config.authentication_config) if config.authentication_config else None
    if file is not None and _says_oidc(config):
        raise ConfigError("authenticationConfig: authentication-config file and oidc-* flags are mutually exclusive")
    jwt = _oidc(config)
    webhook = None
    if config.authentication_token_webhook_config_file:
        webhook = Webhook(
            Path(config.authentication_token_webhook_config_file),
            config.authentication_token_webhook_version,
            config.authentication_token_webhook_cache_ttl,
        )
    open_to_all = config.anonymous_auth and ALWAYS_ALLOW in config.authorization_mode
    if open_to_all:
        log.warning("anonymous requests are refused: authorization mode %s would let anybody do anything", ALWAYS_ALLOW)
    return Authentication(
        anonymous=Anonymous(config.anonymous_auth and not open_to_all),
        static=static,
        bootstrap_tokens=config.enable_bootstrap_token_auth,
        file=file,
        jwt=jwt,
        jwt_algorithms=config.oidc_signing_algs,
        webhook=webhook,
    )


def front_proxy_of(config: ApiServerConfig) -> FrontProxy | None:
    """Whose word is taken on who asks, and in which headers. Raises ConfigError."""
    said = {
        "Username": config.requestheader_username_headers,
        "Uid": config.requestheader_uid_headers,
        "Group": config.requestheader_group_headers,
        "Extra": config.requestheader_extra_headers_prefix,
        "Allowed": config.requestheader_allowed_names,
    }
    named = {name: tuple(value.strip() for value in values) for name, values in said.items()}
    for name, values in named.items():
        if not all(values):
            raise ConfigError(f"requestheader{name}{_ENDS[name]}: there is an empty value")
    standard = FrontProxy(Path()).uid_headers[0]
    if named["Uid"] and standard.lower() not in map(str.lower, named["Uid"]):
        raise ConfigError(
            f"requestheaderUidHeaders: is set without the standard {standard} header: API aggregation will not work"
        )
    if not config.requestheader_client_ca_file:
        return None
    names = config.requestheader_allowed_names
    if not names and overlap(Path(config.requestheader_client_ca_file), Path(config.client_ca_file)):
        raise ConfigError(
            "requestheaderAllowedNames: must be specified where requestheader-client-ca-file and client-ca-file contain the "
            "same certificates, so that regular client certificates cannot name arbitrary users"
        )
    return FrontProxy(
        Path(config.requestheader_client_ca_file),
        names,
        named["Username"],
        named["Uid"],
        named["Group"],
        named["Extra"],
    )


def _says_oidc(config: ApiServerConfig) -> bool:
    """Whether any of the oidc_ settings is another than by default."""
    return any(
        getattr(config, field.name) != field.default
        for field in fields(config)
        if field.name.startswith("oidc_") and field.default is not MISSING
    ) or bool(config.oidc_required_claim)


def _oidc(config: ApiServerConfig) -> tuple[JWTAuthenticator, ...]:
    """The issuer that the oidc_ settings tell of."""
    if not config.oidc_issuer_url or not config.oidc_client_id:
        if _says_oidc(config):
            raise ConfigError(
                "oidcIssuerUrl: oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
            )
        return ()
    for algorithm in config.oidc_signing_algs:
        if algorithm not in jose.ALGORITHMS:
            raise ConfigError(f'oidcSigningAlgs: oidc: unsupported signing alg: "{algorithm}"')
    try:
        ca = read_bytes(Path(config.oidc_ca_file)).decode() if config.oidc_ca_file else ""
    except (ConfigurationError, UnicodeDecodeError) as error:
        raise ConfigError(f"oidcCaFile: {error}") from error
    single = OIDC(
        issuer_url=config.oidc_issuer_url,
        client_id=config.oidc_client_id,
        ca=ca,
        username_claim=config.oidc_username_claim,
        username_prefix=config.oidc_username_prefix,
        groups_claim=config.oidc_groups_claim,
        groups_prefix=config.oidc_groups_prefix,
        required_claims=config.oidc_required_claim,
    )
    return (single.authenticator(),)
