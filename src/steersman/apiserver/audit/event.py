"""The Event of audit.k8s.io/v1: its fields in their order, its JSON, and the one-line text of the legacy format."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from steersman.api.http import Request, User

API_VERSION = "audit.k8s.io/v1"
_LONGEST_AGENT = 1024
_TRUNCATED = {"audit.k8s.io/truncated": "true"}
# What stands in a path as it is; the rest is escaped again.
_UNESCAPED = "/:@!$&'()*+,;=~"


class UserInfo(Struct, omit_defaults=True):
    """Who asks."""

    username: str = ""
    uid: str = ""
    groups: list[str] | tuple[str, ...] = ()
    extra: dict[str, list[str]] | None = None


class ObjectReference(Struct, omit_defaults=True):
    """What is asked about."""

    resource: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    apiGroup: str = ""
    apiVersion: str = ""
    resourceVersion: str = ""
    subresource: str = ""


class AuthenticationMetadata(Struct, omit_defaults=True):
    """How a request came to be somebody else's: by the right to this verb, where it was not the old one."""

    impersonationConstraint: str = ""


class Event(Struct, omit_defaults=True):
    """One stage of one request. The objects are JSON as it is written."""

    kind: str
    apiVersion: str
    level: str
    auditID: str
    stage: str
    requestURI: str
    verb: str
    user: UserInfo | Raw
    impersonatedUser: UserInfo | None = None
    authenticationMetadata: AuthenticationMetadata | None = None
    sourceIPs: list[str] = []
    userAgent: str = ""
    objectRef: ObjectReference | None = None
    responseStatus: Raw | None = None
    requestObject: Raw | None = None
    responseObject: Raw | None = None
    requestReceivedTimestamp: str = ""
    stageTimestamp: str = ""
    annotations: dict[str, str] | None = None


_encode = msgspec.json.Encoder().encode


def _clean(value: Any) -> Any:
    """Text that came as bytes that are no UTF-8, in a way that can be written."""
    if isinstance(value, str):
        try:
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        except UnicodeEncodeError:
            # Halves of characters, which came from no bytes.
            return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    if isinstance(value, Struct):
        return type(value)(*(_clean(getattr(value, name)) for name in value.__struct_fields__))
    return value


def encode(event: Event) -> bytes:
    """The event as JSON, without a line's end."""
    try:
        return _encode(event)
    except UnicodeEncodeError:
        return _encode(_clean(event))


def without_objects(event: Event) -> Event:
    """The event, so that it is smaller; it says of itself that something is missing."""
    return msgspec.structs.replace(
        event, requestObject=None, responseObject=None, annotations={**(event.annotations or {}), **_TRUNCATED}
    )


def user_info(user: User) -> UserInfo:
    return UserInfo(user.name, user.uid, user.groups, {key: list(values) for key, values in user.extra.items()} or None)


def user_agent(headers: Mapping[str, str]) -> str:
    agent = headers.get("user-agent", "")
    return agent if len(agent) <= _LONGEST_AGENT else agent[:_LONGEST_AGENT] + "...TRUNCATED"


def request_uri(request: Request) -> str:
    """The path and query, escaped as they came or in another way that means the same."""
    path = request.path
    if not (path.isascii() and path.replace("/", "").replace("-", "").replace(".", "").isalnum()):
        path = "%2F".join(quote(piece, _UNESCAPED, "utf-8", "surrogateescape") for piece in path.split("%2F"))
    return f"{path}?{request.query}" if request.query else path


def source_ips(headers: Mapping[str, str], remote: str) -> list[str]:
    """From where the request comes: what proxies say of it, which they may have made up, then who is connected."""
    found = []
    forwarded = headers.get("x-forwarded-for")
    if forwarded is not None:
        found = [ip for part in forwarded.split(",") if (ip := _address(part.strip()))]
    real = _address(headers.get("x-real-ip", ""))
    if real and real not in found:
        found.append(real)
    connected = _address(remote)
    if connected and (not found or found[-1] != connected):
        found.append(connected)
    return found


def _address(text: str) -> str:
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def legacy(event: Event) -> bytes:
    """The event in the one-line format of old."""
    user, other = event.user, event.impersonatedUser
    known: dict[str, Any] = msgspec.json.decode(user) if isinstance(user, Raw) else msgspec.to_builtins(user)
    groups = known.get("groups") or ()
    status = msgspec.json.decode(event.responseStatus)["code"] if event.responseStatus is not None else "<deferred>"
    namespace = event.objectRef.namespace if event.objectRef is not None else ""
    told = {
        "id": event.auditID,
        "stage": event.stage,
        "ip": event.sourceIPs[0] if event.sourceIPs else "<unknown>",
        "method": event.verb,
        "user": known.get("username") or "<none>",
        "groups": _quoted(groups) if groups else "<none>",
        "as": other.username if other is not None else "<self>",
        "asgroups": _quoted(other.groups) if other is not None else "<lookup>",
        "user-agent": event.userAgent,
        "namespace": namespace or "<none>",
        "uri": event.requestURI,
        "response": str(status),
    }
    line = " ".join(f"{name}={json.dumps(_clean(value), ensure_ascii=False)}" for name, value in told.items())
    return f"{event.requestReceivedTimestamp} AUDIT: {line}".encode()


def _quoted(texts: list[str] | tuple[str, ...]) -> str:
    return ",".join(f'"{text}"' for text in texts)
