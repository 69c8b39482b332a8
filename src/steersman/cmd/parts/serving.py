"""A part's server: its TLS from the part's settings and files, which are read again when they change."""

from collections.abc import Callable
from typing import Protocol

from steersman.cmd.configfile import ConfigError
from steersman.http.tls import ServerTLS, Settings, check_suites, check_version


class Serves(Protocol):
    """Settings of a part that serves."""

    @property
    def tls_cert_file(self) -> str: ...

    @property
    def tls_key_file(self) -> str: ...

    @property
    def tls_min_version(self) -> str: ...

    @property
    def tls_cipher_suites(self) -> tuple[str, ...]: ...


def tls_settings(config: Serves) -> Settings:
    """What is offered to clients. Raises ConfigError."""
    try:
        check_version(config.tls_min_version)
    except ValueError as error:
        raise ConfigError(f"tlsMinVersion: {error}") from error
    try:
        check_suites(config.tls_cipher_suites)
    except ValueError as error:
        raise ConfigError(f"tlsCipherSuites: {error}") from error
    return Settings(config.tls_min_version, config.tls_cipher_suites)


def server_tls(config: Serves, *client_ca_files: str, changed: Callable[[], None] | None = None) -> ServerTLS:
    """TLS with the part's certificate, for clients of these authorities. Raises ConfigError for files without use."""
    settings = tls_settings(config)
    try:
        return ServerTLS(
            config.tls_cert_file, config.tls_key_file, *client_ca_files, settings=settings, changed=changed
        )
    except (OSError, ValueError) as error:
        files = ", ".join(filter(None, (config.tls_cert_file, config.tls_key_file, *client_ca_files)))
        raise ConfigError(
            f"the server's certificate, its key or an authority is of no use ({files}): {error}"
        ) from error
