"""Field paths such as `.spec.limits['a.b']`, resolved against a schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steersman.api.field import Path

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps


class FieldPathError(ValueError):
    """A path that is malformed, or leads nowhere."""


_TOKEN = re.compile(r"[.\[\]]|'(?:\\.|[^'\\])*'|'[^']*$|[^.\[\]']+[^.\[\]]*")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\"}
_INVALID = "does not refer to a valid field"


def find(text: str, schema: JSONSchemaProps, *, brackets: bool = True) -> tuple[Path, JSONSchemaProps]:
    """The path that a text means, and the schema that it leads to. Raises FieldPathError.

    Without `brackets` only members by name are allowed.
    """
    path: Path | None = None
    tokens = iter(_TOKEN.findall(text))
    for token in tokens:
        if token == ".":
            name = _next(tokens)
        elif token == "[":
            if not brackets:
                raise FieldPathError("array notation is not allowed")
            name = _quoted(_next(tokens))
            closing = _next(tokens)
            if closing != "]":
                raise FieldPathError(f"expected ] but got {closing}")
        else:
            raise FieldPathError(f"expected [ or . but got: {token}")
        path, schema = _step(path, schema, name)
    return path or Path(), schema


def _next(tokens: object) -> str:
    found = next(tokens, None)  # type: ignore[call-overload]
    if found is None:
        raise FieldPathError("unexpected end of JSON path")
    return str(found)


def _quoted(token: str) -> str:
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise FieldPathError(f"expected single quoted string but got {token}")

    def escape(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPES:
            raise FieldPathError(f"invalid string literal: invalid escape char {found[0]}")
        return _ESCAPES[found[1]]

    return re.sub(r"\\(.)", escape, token[1:-1])


def _step(path: Path | None, schema: JSONSchemaProps, name: str) -> tuple[Path, JSONSchemaProps]:
    more = schema.additionalProperties
    if schema.properties:
        found = schema.properties.get(name)
        if found is None:
            raise FieldPathError(_INVALID)
        return (Path(name) if path is None else path.child(name)), found
    if more is None or isinstance(more, bool):
        raise FieldPathError(_INVALID)
    return (path or Path()).key(name), more
