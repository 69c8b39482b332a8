"""What plugins are configured with: the file of kind AdmissionConfiguration, and those that it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from steersman.api import codec, configuration
from steersman.api.configuration import ConfigurationError
from steersman.api.decode_error import DecodeError
from steersman.api.field import Errors

S = TypeVar("S", bound=Struct)

_GROUP, _KIND = "apiserver.config.k8s.io", "AdmissionConfiguration"
# What tells the file of a plugin that has read one before there were versions.
_UNVERSIONED = {"ImagePolicyWebhook": "imagePolicy", "PodNodeSelector": "podNodeSelectorPluginConfig"}


class _Plugin(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str = ""
    path: str = ""
    configuration: Any = None


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    plugins: list[_Plugin] | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """One plugin's configuration: a plain value. `where` names its place in errors; paths in it start at `base`."""

    value: Any
    where: str
    base: Path

    def read(self, types: Mapping[tuple[str, str], type[S]]) -> S:
        """As one of these types, by apiVersion and kind. Raises ConfigurationError."""
        return configuration.convert(self.value, types, self.where)

    def bare(self, cls: type[S]) -> S:
        """As this type, without apiVersion and kind. Raises ConfigurationError."""
        try:
            found, problems = codec.from_builtins(cls, self.value)
        except (DecodeError, msgspec.ValidationError) as error:
            raise ConfigurationError(f"{self.where}: {error}") from error
        if problems:
            raise ConfigurationError(f"{self.where}: {', '.join(problems)}")
        return found

    def check(self, errors: Errors) -> None:
        """Raises ConfigurationError when there are any."""
        if errors:
            raise ConfigurationError.of(self.where, errors)


def load(path: Path) -> dict[str, Given]:
    """The plugins' configurations, by the plugins' names. Raises ConfigurationError."""
    value = _plain(path)
    if unversioned := _unversioned(value, path):
        return unversioned
    types = {(f"{_GROUP}/{version}", _KIND): _Configuration for version in ("v1", "v1alpha1")}
    found: dict[str, Given] = {}
    for index, plugin in enumerate(configuration.convert(value, types, path).plugins or ()):
        where = f"{path}: plugins[{index}]"
        if not plugin.name:
            raise ConfigurationError(f"{where}.name: Required value")
        if plugin.name in found:
            raise ConfigurationError(f'{where}.name: Duplicate value: "{plugin.name}"')
        found[plugin.name] = _given(plugin, path, where)
    return found


def _given(plugin: _Plugin, path: Path, where: str) -> Given:
    if plugin.configuration is not None:
        return Given(plugin.configuration, f"{where}.configuration", path.parent)
    if not plugin.path:
        raise ConfigurationError(f"{where}: must have either configuration or path")
    file = path.parent / plugin.path
    return Given(_plain(file), str(file), file.parent)


def _unversioned(value: Any, path: Path) -> dict[str, Given]:
    """What plugins are given by a file that is older than AdmissionConfiguration: each takes of it what is for it."""
    if not isinstance(value, dict) or (value.get("apiVersion") and value.get("kind")):
        return {}
    if not any(key in value for key in _UNVERSIONED.values()):
        return {}
    parts = {plugin: {key: value[key]} if key in value else {} for plugin, key in _UNVERSIONED.items()}
    return {plugin: Given(part, str(path), path.parent) for plugin, part in parts.items()}


def _plain(file: Path) -> Any:
    """What a file in YAML or JSON holds. Raises ConfigurationError."""
    try:
        value, problems = codec.decode_plain(configuration.read_bytes(file), media="yaml")
    except DecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    if problems:
        raise ConfigurationError(f"{file}: {problems[0]}")
    return value
