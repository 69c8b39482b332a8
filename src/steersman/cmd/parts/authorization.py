"""The API server's authorizers, from its settings: a list of modes, or a file."""

from __future__ import annotations

from pathlib import Path

from steersman.apiserver.authorizers.settings import ABAC, DEFAULT, MODES, WEBHOOK, Authorization, Configured, Webhook
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError

_NAME = "default"
"""What the webhook of the settings is called."""


def authorization_of(config: ApiServerConfig) -> Authorization:
    """Raises ConfigError."""
    policies = Path(config.authorization_policy_file) if config.authorization_policy_file else None
    if config.authorization_config:
        if config.authorization_mode != DEFAULT or config.authorization_webhook_config_file:
            raise ConfigError(
                "authorizationConfig: can not be specified when authorizationMode or authorizationWebhook settings are"
            )
        return Authorization((), Path(config.authorization_config), policies)
    _check_modes(config)
    return Authorization(tuple(_configured(config, mode) for mode in config.authorization_mode), None, policies)


def _check_modes(config: ApiServerConfig) -> None:
    modes = config.authorization_mode
    if not modes:
        raise ConfigError("authorizationMode: at least one authorization mode must be passed")
    for place, mode in enumerate(modes):
        if mode not in MODES:
            raise ConfigError(f'authorizationMode: "{mode}" is not a valid mode, only {", ".join(MODES)} are')
        if mode in modes[:place]:
            raise ConfigError(f'authorizationMode: "{mode}" has mode specified more than once')
    for mode, file, name in (
        (ABAC, config.authorization_policy_file, "authorizationPolicyFile"),
        (WEBHOOK, config.authorization_webhook_config_file, "authorizationWebhookConfigFile"),
    ):
        if mode in modes and not file:
            raise ConfigError(f"{name}: is needed with authorization mode {mode}")
        if file and mode not in modes:
            raise ConfigError(f"{name}: {file!r} can not be specified without authorization mode {mode}")


def _configured(config: ApiServerConfig, mode: str) -> Configured:
    if mode != WEBHOOK:
        return Configured(mode, mode.lower())
    webhook = Webhook(
        Path(config.authorization_webhook_config_file),
        config.authorization_webhook_version,
        allowed_ttl=config.authorization_webhook_cache_authorized_ttl,
        refused_ttl=config.authorization_webhook_cache_unauthorized_ttl,
    )
    return Configured(mode, _NAME, webhook)
