"""The user's own settings of a cluster's API server: `--apiserver-arg NAME=VALUE`, where NAME is one of its flags."""

import dataclasses
import os
import typing
from collections.abc import Mapping
from typing import Any

from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError, key_of, parse_setting

# These are the cluster's own: other parts are configured to match, or `steer up` has an option for them.
_OURS = frozenset({
    "store", "bind_addresses", "port", "advertise_address", "client_ca_file", "runtime_config", "service_cluster_ip_range",
    "tls_cert_file", "tls_key_file",
})  # fmt: skip


def check(name: str, value: str) -> tuple[str, str]:
    """The setting as a cluster's configuration keeps it: the field's name, and the value with files' paths made absolute.

    An empty value is the default again. Raises ConfigError.
    """
    field = _field(name)
    if value:
        value = _absolute(field.name, value)
        _parsed(field, value)
    return field.name, value


def apply(config: ApiServerConfig, given: Mapping[str, str]) -> ApiServerConfig:
    """The configuration with the user's settings on top. Raises ConfigError."""
    values = {name: _parsed(_field(name), value) for name, value in given.items() if value}
    return dataclasses.replace(config, **values)


def _field(name: str) -> "dataclasses.Field[Any]":
    wanted = name.strip("-").replace("-", "_")
    for field in dataclasses.fields(ApiServerConfig):
        if field.name == wanted and wanted not in _OURS:
            return field
    why = "is set by `steer up` itself" if wanted in _OURS else "is no setting; `steer apiserver --help` shows them"
    raise ConfigError(f"{name}: {why}")


def _parsed(field: "dataclasses.Field[Any]", value: str) -> Any:
    return parse_setting(field, typing.get_type_hints(ApiServerConfig)[field.name], value, key_of(field.name))


def _absolute(name: str, value: str) -> str:
    """The API server runs in another directory than whoever types the command. `-` is the standard output."""
    is_path = name.endswith(("_file", "_dir", "_path", "_config")) and name != "runtime_config"
    if not is_path or value == "-":
        return value
    # A list of files, perhaps.
    return ",".join(os.path.abspath(os.path.expanduser(file)) for file in value.split(","))
