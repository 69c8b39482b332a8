"""Reading and writing Configs: JSON or YAML files and flags to dataclasses, with errors that name the field."""

import argparse
import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from steersman.pki.files import write_atomic

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|)")


class ConfigError(ValueError):
    """A setting is missing, unknown or wrong; the message names the place."""


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `1m30s`, `500ms`. Raises ValueError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 90s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def key_of(name: str) -> str:
    """A field's spelling in files: bind_addresses → bindAddresses."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def load(kind: type[T], path: Path) -> T:
    """Read a Config from a JSON or YAML file. Raises ConfigError that names file and field."""
    return from_mapping(kind, read_mapping(path), str(path))


def read_mapping(path: Path) -> dict[str, Any]:
    """The top-level mapping of a JSON or YAML file, unchecked. Raises ConfigError."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not text: {error.reason}") from error
    try:
        data = json.loads(text) if path.suffix == ".json" else _yaml(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: must hold a mapping of settings")
    return data


def from_mapping(kind: type[T], data: Mapping[str, Any], where: str) -> T:
    """A Config from the mapping of a file. `where` begins every error."""
    fields = {key_of(field.name): field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in fields:
            raise ConfigError(f"{where}: {key}: unknown setting{_nearest(str(key), fields)}")
        field = fields[key]
        values[field.name] = _checked(field, hints[field.name], value, f"{where}: {key}")
    for key, field in fields.items():
        if field.metadata.get("required") and field.name not in values:
            raise ConfigError(f"{where}: {key}: is required ({field.metadata['help']})")
    return kind(**values)


def to_mapping(config: Any) -> dict[str, Any]:
    """The file form of a Config: every setting, so that the file documents itself."""
    return {key_of(field.name): _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def save(config: Any, path: Path) -> None:
    """Write a Config as JSON, whole or not at all, readable by its owner only."""
    write_atomic(path, json.dumps(to_mapping(config), indent=2).encode() + b"\n")


def add_flags(parser: argparse.ArgumentParser, kind: type[Any]) -> None:
    """One flag per field of a Config, plus --config; a flag wins over the file."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings as JSON or YAML; flags win over them")
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        flag = "--" + field.name.replace("_", "-")
        hint = hints[field.name]
        text = field.metadata["help"] + _default_text(field)
        options: dict[str, Any] = {"dest": field.name, "default": None, "help": text.replace("%", "%%")}
        if hint is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **options)
            continue
        options["metavar"] = field.metadata.get("metavar") or _metavar(hint)
        parser.add_argument(flag, type=_flag_parser(hint), **options)


def from_flags(kind: type[T], arguments: argparse.Namespace) -> T:
    """The Config of a part command: its --config file, with given flags on top. Raises ConfigError."""
    path: Path | None = arguments.config
    data: dict[str, Any] = read_mapping(path) if path else {}
    for field in dataclasses.fields(kind):
        value = getattr(arguments, field.name)
        if value is not None:
            data[key_of(field.name)] = _plain(value)
    return from_mapping(kind, data, str(path) if path else "flags")


def parse_setting(field: "dataclasses.Field[Any]", hint: Any, text: str, where: str) -> Any:
    """The value that a flag's text gives a field. Raises ConfigError, beginning with `where`."""
    if hint is bool:
        if text not in ("true", "false"):
            raise ConfigError(f"{where}: must be true or false, not {text!r}")
        return text == "true"
    try:
        value = _flag_parser(hint)(text)
    except (ValueError, argparse.ArgumentTypeError) as error:
        wrong = f"must be a whole number, not {text!r}" if hint is int else str(error)
        raise ConfigError(f"{where}: {wrong}") from error
    return _checked(field, hint, value, where)


def _yaml(text: str) -> Any:
    from steersman.api import yaml

    return yaml.load(text)


def _nearest(key: str, fields: Mapping[str, Any]) -> str:
    import difflib

    close = difflib.get_close_matches(key, fields, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_NAMES: dict[Any, str] = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _checked(field: "dataclasses.Field[Any]", hint: Any, value: Any, where: str) -> Any:
    result = _typed(hint, value, where)
    choices, minimum = field.metadata.get("choices"), field.metadata.get("minimum")
    if choices and result not in choices:
        raise ConfigError(f"{where}: must be one of {', '.join(choices)}, not {result!r}")
    if minimum is not None and result < minimum:
        raise ConfigError(f"{where}: must be at least {minimum}, not {result}")
    return result


def _typed(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where}: must be a list, not {_say(value)}")
        return tuple(_typed(str, item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: must be a mapping, not {_say(value)}")
        return {str(key): _typed(str, item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where}: must be {_NAMES[hint]}, not {_say(value)}")
    return value


def _say(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, dict) else repr(value)


def _default_text(field: "dataclasses.Field[Any]") -> str:
    if field.metadata.get("choices"):
        return f": {', '.join(field.metadata['choices'])} (default {field.default})"
    if field.default is dataclasses.MISSING or field.default in ("", (), None):
        return ""
    default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
    return f" (default {default})"


def _metavar(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is tuple:
        return "A,B"
    if origin is dict:
        return "K=V,K=V"
    return {int: "N", float: "SECONDS"}.get(hint, "VALUE")


def _flag_parser(hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if isinstance(hint, types.UnionType):
        raise TypeError("a Config has no optional fields")
    if origin is tuple:
        return lambda text: [part for part in text.split(",") if part]
    if origin is dict:
        return _pairs
    return {int: int, float: _number}.get(hint, str)


def _number(text: str) -> float:
    return parse_duration(text)


def _pairs(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part]
    if not all(separator for _, separator, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of KEY=VALUE")
    return {key: value for key, _, value in pairs}
