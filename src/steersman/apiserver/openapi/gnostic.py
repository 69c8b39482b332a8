"""The OpenAPI v2 document in gnostic's protobuf form (openapi.v2.Document), the only one that older kubectl read.

Messages are written straight to bytes: the document is built once and the encoding is small. Field numbers are those of
the published OpenAPIv2.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from steersman.api.protobuf import FIXED64, VARINT, delimited, tag, varint


def _text(number: int, value: str) -> bytes:
    return delimited(number, value.encode()) if value else b""


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(delimited(number, v.encode()) for v in values)


def _flag(number: int, value: bool) -> bytes:
    return tag(number, VARINT) + b"\x01" if value else b""


def _named(name: str, value: bytes) -> bytes:
    """NamedAny, NamedSchema and their like: a name and a value."""
    return _text(1, name) + delimited(2, value)


def _any(value: Any) -> bytes:
    """gnostic's Any: YAML text, of which JSON is a part."""
    return _text(2, msgspec.json.encode(value).decode())


def _extensions(number: int, source: Mapping[str, Any]) -> bytes:
    return b"".join(delimited(number, _named(k, _any(v))) for k, v in source.items() if k.startswith("x-"))


def encode(document: Mapping[str, Any]) -> bytes:
    """A v2 document as openapi.v2.Document."""
    return join(document, *parts(document))


def parts(document: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The paths and the definitions of a document. Those of several documents can be put one after the other."""
    paths = b"".join(delimited(2, _named(p, _path_item(i))) for p, i in document["paths"].items())
    definitions = b"".join(delimited(1, _named(n, _schema(s))) for n, s in document["definitions"].items())
    return paths, definitions


def join(document: Mapping[str, Any], paths: bytes, definitions: bytes) -> bytes:
    """A document from its parts; its own head is used."""
    info = document["info"]
    return (
        _text(1, document["swagger"])
        + delimited(2, _text(1, info["title"]) + _text(2, info["version"]))
        + delimited(8, paths)
        + delimited(9, definitions)
    )


_NUMBERS = {"multipleOf": 6, "maximum": 7, "minimum": 9}
_FLAGS = {"exclusiveMaximum": 8, "exclusiveMinimum": 10, "uniqueItems": 16}
_SIZES = {"maxLength": 11, "minLength": 12, "maxItems": 14, "minItems": 15, "maxProperties": 17, "minProperties": 18}


def _limits(schema: Mapping[str, Any]) -> bytes:
    """What a schema says of its values."""
    out = [tag(n, FIXED64) + struct.pack("<d", schema[k]) for k, n in _NUMBERS.items() if k in schema]
    out += [_flag(n, schema[k]) for k, n in _FLAGS.items() if k in schema]
    out += [tag(n, VARINT) + varint(schema[k] % 2**64) for k, n in _SIZES.items() if k in schema]
    out.append(_text(13, schema.get("pattern", "")))
    return b"".join(out)


def _schema(schema: Mapping[str, Any]) -> bytes:
    out = [
        _text(1, schema.get("$ref", "")),
        _text(2, schema.get("format", "")),
        _text(3, schema.get("title", "")),
        _text(4, schema.get("description", "")),
        delimited(5, _any(schema["default"])) if "default" in schema else b"",
        _limits(schema),
    ]
    out.append(_texts(19, schema.get("required", ())))
    out.extend(delimited(20, _any(v)) for v in schema.get("enum", ()))
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping):
        out.append(delimited(21, delimited(1, _schema(additional))))
    elif additional is not None:
        out.append(delimited(21, tag(2, VARINT) + (b"\x01" if additional else b"\x00")))
    if "type" in schema:
        out.append(delimited(22, _text(1, schema["type"])))
    if "items" in schema:
        out.append(delimited(23, delimited(1, _schema(schema["items"]))))
    out.extend(delimited(24, _schema(s)) for s in schema.get("allOf", ()))
    if "properties" in schema:
        properties = b"".join(delimited(1, _named(n, _schema(s))) for n, s in schema["properties"].items())
        out.append(delimited(25, properties))
    out.append(_extensions(31, schema))
    return b"".join(out)


_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def _path_item(item: Mapping[str, Any]) -> bytes:
    operations = b"".join(delimited(n, _operation(item[m])) for m, n in _METHODS.items() if m in item)
    return operations + b"".join(delimited(9, _parameter(p)) for p in item.get("parameters", ()))


def _operation(operation: Mapping[str, Any]) -> bytes:
    responses = b"".join(
        delimited(1, _named(code, delimited(1, _response(r)))) for code, r in operation["responses"].items()
    )
    return (
        _text(5, operation.get("operationId", ""))
        + _texts(6, operation["produces"])
        + _texts(7, operation["consumes"])
        + b"".join(delimited(8, _parameter(p)) for p in operation["parameters"])
        + delimited(9, responses)
        + _extensions(13, operation)
    )


def _response(response: Mapping[str, Any]) -> bytes:
    schema = delimited(2, delimited(1, _schema(response["schema"]))) if "schema" in response else b""
    return _text(1, response["description"]) + schema


def _parameter(parameter: Mapping[str, Any]) -> bytes:
    """ParametersItem{Parameter{…}}: a body, or a query or path parameter."""
    required = _flag(1, parameter.get("required", False))
    name, where = parameter["name"], parameter["in"]
    if where == "body":
        body = (
            _text(2, name)
            + _text(3, where)
            + _flag(4, parameter.get("required", False))
            + delimited(5, _schema(parameter["schema"]))
        )
        return delimited(1, delimited(1, body))
    if where == "path":
        # uniqueItems has another number here than in query parameters: one field fewer comes before it.
        path = required + _text(2, where) + _text(4, name) + _text(5, parameter["type"]) + _flag(19, True)
        return delimited(1, delimited(2, delimited(4, path)))
    query = required + _text(2, where) + _text(4, name) + _text(6, parameter["type"]) + _flag(20, True)
    return delimited(1, delimited(2, delimited(3, query)))
