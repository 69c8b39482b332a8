"""YAML as Kubernetes reads it: plain JSON values only, without the dates and base-60 numbers of YAML 1.1."""

from __future__ import annotations

import re
from typing import Any

import yaml

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YAMLError(ValueError):
    """The document is not YAML; the message begins with `yaml: `, as Kubernetes' does."""


class Duplicates(dict[str, Any]):
    """A mapping that named some of its keys more than once; the last value counts."""

    __slots__ = ("names",)

    def __init__(self, values: dict[str, Any], names: list[str]) -> None:
        super().__init__(values)
        self.names = names


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader, without timestamps and base-60 integers, with JSON's keys."""


_INT = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*|0o?[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$")
_FLOAT = re.compile(
    r"^[-+]?(?:(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
)
_DROPPED = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})

_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag not in _DROPPED]
    for first, found in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def _mapping(loader: Any, node: Any) -> Any:
    loader.flatten_mapping(node)
    out: dict[str, Any] = {}
    repeated: list[str] = []
    for key_node, value_node in node.value:
        key = _key(loader.construct_object(key_node, deep=True))
        if key in out and key not in repeated:
            repeated.append(key)
        out[key] = loader.construct_object(value_node, deep=True)
    return Duplicates(out, repeated) if repeated else out


def _key(value: Any) -> str:
    """JSON's keys are strings: a number or a boolean becomes its text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return value if isinstance(value, str) else str(value)


def _integer(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "").lower()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xbo":
        return sign * int(digits, 8)
    return sign * int(digits, 0)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def load(data: bytes | str) -> Any:
    """The first document as plain JSON values; YAMLError when it is none. Repeated keys make a `Duplicates`."""
    try:
        return yaml.load(data, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise YAMLError(_message(error)) from error


def load_all(data: bytes | str) -> list[Any]:
    """Every document that is not empty."""
    try:
        return [d for d in yaml.load_all(data, Loader=_Loader) if d is not None]
    except (yaml.YAMLError, ValueError) as error:
        raise YAMLError(_message(error)) from error


def dump(value: Any) -> str:
    """Block style, keys in the order given."""
    return str(yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True))


def _message(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return f"yaml: {where}{error.problem}"
    return f"yaml: {error}"
