"""What stands in requests and answers, as the one line of JSON that an event shows of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from steersman.api import codec, protobuf
from steersman.api.decode_error import DecodeError
from steersman.kinds.wire_fields import MAGIC

log = logging.getLogger(__name__)

Find = Callable[[str, str, str], type[Struct] | None]
"""The type of a kind (group, version, kind), if it is known."""


class Status(Struct, omit_defaults=True):
    """What an event says of the answer: a Status' fields, but those that may be long."""

    metadata: dict[str, Any]
    status: str = ""
    message: str = ""
    reason: str = ""
    details: Any = None
    code: int = 0


_status = msgspec.json.Decoder(Status)
_IS_STATUS = re.compile(rb'"kind": ?"Status"').search


@lru_cache(maxsize=64)
def plain_status(code: int) -> Raw:
    """The status of an answer that is no Status."""
    return Raw(b'{"metadata":{},"code":%d}' % code)


def told_status(status: str, message: str, reason: str, code: int, details: Any = None) -> Raw:
    return Raw(msgspec.json.encode(Status({}, status, message, reason, details, code)))


def status_of(code: int, line: bytes, *, quoting: bool = False) -> Raw:
    """The status of an answer, of which this is the JSON; without its words where these may be `quoting` an object."""
    if not _IS_STATUS(line, 0, 64):
        return plain_status(code)
    try:
        found = _status.decode(line)
    except msgspec.MsgspecError:
        return plain_status(code)
    if quoting:
        return told_status(found.status, "", found.reason, code, _without_words(found.details))
    return told_status(found.status, found.message, found.reason, code, found.details)


def _without_words(details: Any) -> Any:
    """The details of a Status with the fields that are wrong, but not with what is wrong there."""
    if not isinstance(details, dict):
        return None
    found = {name: details[name] for name in ("name", "group", "kind", "uid") if name in details}
    causes = [
        {n: c[n] for n in ("reason", "field") if n in c} for c in details.get("causes") or () if isinstance(c, dict)
    ]
    return {**found, "causes": causes} if causes else found


def line_of(obj: Any, *, omit_managed_fields: bool) -> Raw:
    """An object that a client has sent, in the version in which it has sent it."""
    meta = getattr(obj, "metadata", None)
    entries = getattr(meta, "managedFields", None)
    if meta is None or not entries or not omit_managed_fields:
        return Raw(codec.encode(obj))
    meta.managedFields = None
    try:
        return Raw(codec.encode(obj))
    finally:
        meta.managedFields = entries


def patch_line(body: bytes, media: str, *, omit_managed_fields: bool) -> Raw | None:
    """A patch."""
    return _line(body, "yaml" in media and not body.lstrip().startswith(b"{"), omit_managed_fields)


def answer_line(body: bytes, content_type: str, find: Find, *, omit_managed_fields: bool) -> Raw | None:
    """An answer in whatever representation; None for one that is no object."""
    if body.startswith(MAGIC):
        try:
            body = msgspec.json.encode(_from_protobuf(body, find))
        except (DecodeError, ValueError, IndexError) as error:
            log.warning("an answer in protobuf is not in the audit: %s", error)
            return None
    elif "json" not in content_type and "yaml" not in content_type:
        return None
    return _line(body, "yaml" in content_type, omit_managed_fields)


def _line(body: bytes, yaml: bool, omit_managed_fields: bool) -> Raw | None:
    """JSON or YAML as one line of JSON; None for what is neither."""
    try:
        if yaml:
            value = codec.parse(body, "yaml")
        elif not omit_managed_fields and b"\n" not in body:
            # It is in one line, but must be JSON, too.
            msgspec.json.decode(body, type=Raw)
            return Raw(body)
        else:
            value = msgspec.json.decode(body)
    except (DecodeError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if omit_managed_fields:
        _forget(value)
    return Raw(msgspec.json.encode(value))


def _forget(value: Any) -> None:
    """Leave out who owns the fields of an object, or of a list's."""
    if not isinstance(value, dict):
        return
    meta = value.get("metadata")
    if isinstance(meta, dict):
        meta.pop("managedFields", None)
    for item in value.get("items") or ():
        _forget(item)
    for row in value.get("rows") or ():
        if isinstance(row, dict):
            _forget(row.get("object"))


def without_token(line: Raw) -> Raw:
    """The answer to a request for a token, but for the token."""
    value = msgspec.json.decode(line)
    if isinstance(value, dict) and isinstance(value.get("status"), dict):
        value["status"].pop("token", None)
    return Raw(msgspec.json.encode(value))


def _from_protobuf(body: bytes, find: Find) -> Any:
    """The plain values of an object, or of a list of them."""
    from steersman.kinds import wire

    envelope = dict(protobuf.scan(body[len(MAGIC) :]))
    said = dict(protobuf.scan(envelope.get(1, b"")))
    version, kind = said.get(1, b"").decode(), said.get(2, b"").decode()
    group, _, number = version.rpartition("/")
    cls = find(group, number, kind)
    if cls is not None:
        return wire.decode(cls, body)
    item = find(group, number, kind.removesuffix("List"))
    if item is None or not kind.endswith("List"):
        raise DecodeError(f"{kind} of {version} is unknown")
    from steersman.kinds.types.meta_v1 import ListMeta

    found: dict[str, Any] = {"kind": kind, "apiVersion": version, "metadata": {}, "items": []}
    for number_, value in protobuf.scan(envelope.get(2, b"")):
        if number_ == 1:
            found["metadata"] = wire.message(ListMeta, value)
        elif number_ == 2:
            found["items"].append(wire.message(item, value))
    return found
