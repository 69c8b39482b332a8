"""Objects to bytes and back: the fast path is msgspec's, the slow one says what is wrong as Kubernetes does."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec import Struct

from steersman.api import normalize as _normalize
from steersman.api import prune
from steersman.api.copies import copy
from steersman.api.decode_error import DecodeError
from steersman.api.shape import ObjectOf
from steersman.api.untyped import Untyped, encoding_hook

T = TypeVar("T")
S = TypeVar("S", bound=Struct)
Media = Literal["json", "yaml"]

_encoder = msgspec.json.Encoder(enc_hook=encoding_hook)

encode = _encoder.encode
"""Any object, typed or plain, to JSON bytes."""

canonicalize_quantities = _normalize.canonicalize_quantities
validate_times = _normalize.validate_times
normalize = _normalize.normalize

__all__ = [
    "DecodeError", "Media", "canonicalize_quantities", "clone", "decode", "decode_lenient", "decode_plain", "encode", "from_builtins",
    "normalize", "parse", "to_builtins", "validate_times",
]  # fmt: skip


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def _decoder(cls: type[T]) -> msgspec.json.Decoder[T]:
    found = _decoders.get(cls)
    if found is None:
        found = _decoders[cls] = msgspec.json.Decoder(cls)
    return found


def decode(cls: type[T], data: bytes) -> T:
    """Decodes JSON that is expected to be well-formed: what a server sent, or a store kept.

    Unknown fields are dropped and nulls are absent; DecodeError for broken JSON and for wrong types.
    """
    try:
        return _decoder(cls).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The slow parser takes the bad UTF-8 that Go takes too, and words the error for the rest.
        return _convert(cls, prune.parse_json(data))[0]


def decode_lenient(cls: type[S], data: bytes, *, media: Media = "json", strict: bool = True) -> tuple[S, list[str]]:
    """Decodes what a client sent: the object, normalised, and the problems that strict decoding objects to.

    Problems read `unknown field "spec.foo"` and `duplicate field "spec.bar"`; a YAML text's duplicates are one problem, of
    a line each. With `strict` false duplicates are not looked for. DecodeError for broken input, wrong types, bad
    quantities and bad times.
    """
    if media == "json":
        try:
            obj = _decoder(cls).decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _slowly(cls, prune.parse_json(data))
        if not strict or not prune.has_duplicates(data):
            normalize(obj)
            return obj, []
        return _slowly(cls, prune.parse_json(data))
    duplicates: list[str] = []
    obj, problems = from_builtins(cls, _parse_yaml(data, duplicates))
    return obj, _repeated(duplicates) + problems


def parse(data: bytes, media: Media = "json") -> Any:
    """Plain values from JSON or YAML. DecodeError, with `syntax` set, for broken input."""
    if media == "json":
        return prune.parse_json(data)
    return _parse_yaml(data, [])


def _parse_yaml(data: bytes, duplicates: list[str]) -> Any:
    # Few clients send YAML, and its parser takes its time to load.
    from steersman.api import yaml

    try:
        return yaml.load(data, duplicates=duplicates)
    except yaml.YAMLError as error:
        raise DecodeError(str(error), syntax=True) from error


def _repeated(duplicates: list[str]) -> list[str]:
    if not duplicates:
        return []
    from steersman.api import yaml

    return [yaml.unmarshal_errors(duplicates)]


def warnings(problems: list[str]) -> list[str]:
    """The problems of strict decoding as warnings, one each for what a YAML text repeats."""
    return [line.strip() for problem in problems for line in problem.splitlines() if not line.endswith("errors:")]


def decode_plain(data: bytes, *, media: Media = "json", strict: bool = True) -> tuple[Any, list[str]]:
    """Plain values from what a client sent, with the problems that strict decoding objects to: repeated fields.

    With `strict` false these are not looked for. DecodeError for broken input.
    """
    if media != "json":
        duplicates: list[str] = []
        value = _parse_yaml(data, duplicates)
        return value, _repeated(duplicates)
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return prune.parse_json(data), []
    if not strict or not prune.has_duplicates(data):
        return value, []
    return value, prune.duplicates(prune.parse_json(data))


def from_builtins(cls: type[S], value: Any) -> tuple[S, list[str]]:
    """The same as `decode_lenient`, from plain values (after a patch, say). Does not change `value`."""
    try:
        obj = msgspec.convert(value, cls)
    except msgspec.ValidationError:
        return _slowly(cls, value)
    normalize(obj)
    return obj, []


def _slowly(cls: type[S], value: Any) -> tuple[S, list[str]]:
    obj, problems = _convert(cls, value)
    normalize(obj)
    return obj, problems


def _convert(cls: type[T], value: Any) -> tuple[T, list[str]]:
    if not (isinstance(cls, type) and issubclass(cls, Struct)):
        return msgspec.convert(value, cls), []
    problems: list[str] = []
    pruned = prune.prune(value, ObjectOf(cls), problems)
    return msgspec.convert(pruned, cls), problems


def to_builtins(obj: Any) -> Any:
    """The object as plain dicts and lists, with the API's spelling. Does not share anything that can change."""
    return msgspec.to_builtins(obj, enc_hook=encoding_hook)


def clone(obj: T) -> T:
    """A deep copy of an object, for its new owner to change."""
    if isinstance(obj, Untyped):
        return cast(T, obj.clone())
    return copy(obj)
