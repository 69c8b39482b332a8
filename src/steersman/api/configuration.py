"""Versioned configuration files (`apiVersion`, `kind` and settings, in YAML or JSON), read strictly into Structs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from steersman.api import codec
from steersman.api.decode_error import DecodeError
from steersman.api.field import FieldError

S = TypeVar("S", bound=Struct)


class ConfigurationError(ValueError):
    """A configuration file is missing, is no such file, or has a setting that is unknown or wrong; the message names the
    file, the field and the value."""

    @classmethod
    def of(cls, path: Path | str, errors: Iterable[FieldError]) -> ConfigurationError:
        """For fields that hold what they must not."""
        found = [str(error) for error in errors]
        return cls(f"{path}: {found[0] if len(found) == 1 else '[' + ', '.join(found) + ']'}")


def read(path: Path, types: Mapping[tuple[str, str], type[S]]) -> S:
    """What a file says. `types` has the Struct for each (apiVersion, kind) that may be there; it need not have these two.

    Raises ConfigurationError, also for a field that the Struct does not have or that is written twice.
    """
    return decode(read_bytes(path), types, path)


def read_bytes(path: Path) -> bytes:
    """A file's content. Raises ConfigurationError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error


def decode(data: bytes, types: Mapping[tuple[str, str], type[S]], where: Path | str) -> S:
    """As `read`, from a text; `where` begins every error."""
    try:
        # Every JSON text is YAML.
        value, problems = codec.decode_plain(data, media="yaml")
    except DecodeError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if problems:
        raise ConfigurationError(f"{where}: {problems[0]}")
    return convert(value, types, where)


def convert(value: Any, types: Mapping[tuple[str, str], type[S]], where: Path | str) -> S:
    """As `read`, from plain values."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where}: must hold an object with apiVersion and kind")
    said = {name: value.get(name) for name in ("apiVersion", "kind")}
    for name, text in said.items():
        if not isinstance(text, str) or not text:
            raise ConfigurationError(f"{where}: {name}: Required value")
    found = types.get((str(said["apiVersion"]), str(said["kind"])))
    if found is None:
        known = " or ".join(f"{kind} of {version}" for version, kind in types)
        raise ConfigurationError(f"{where}: there is a {said['kind']} of {said['apiVersion']}, where {known} is wanted")
    fields = {field.encode_name for field in msgspec.structs.fields(found)}
    try:
        read, problems = codec.from_builtins(
            found, {name: given for name, given in value.items() if name not in said or name in fields}
        )
    except (DecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if problems:
        raise ConfigurationError(f"{where}: {', '.join(problems)}")
    return read
