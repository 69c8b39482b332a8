"""Encryption at rest from the API server's settings."""

from pathlib import Path

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.encryption.service import Encryption
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError


def encryption_of(config: ApiServerConfig, clock: Clock) -> Encryption:
    """How values are stored. Raises ConfigError."""
    path = Path(config.encryption_provider_config) if config.encryption_provider_config else None
    try:
        return Encryption(clock, path, reload=config.encryption_provider_config_automatic_reload)
    except ConfigurationError as error:
        raise ConfigError(str(error)) from error
