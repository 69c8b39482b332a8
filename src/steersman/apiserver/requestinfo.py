"""What a request asks for, read from its method, path and query alone: verb, group, version, resource, name, namespace."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

_METHOD_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
LONGEST_PATH = 1024
"""Bytes of a path, about; of longer ones nothing is remembered, as anybody may ask for any."""
# What follows a namespace's name and is the namespace's own, not a resource inside it.
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_FALSE = frozenset({"false", "0"})


@dataclass(slots=True)
class RequestInfo:
    """One request's meaning. For a path outside `/api` and `/apis/<group>/<version>`, `is_resource` is False and only `path`
    and `verb` (the method in lower case) say anything. `rest` is what follows the subresource in the path (proxies).
    """

    path: str
    verb: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    legacy_watch: bool = False


class Query:
    """The query parameters: the first value of each name, and all values where a name may repeat."""

    __slots__ = ("_pairs", "_values")

    def __init__(self, raw: str) -> None:
        self._pairs = parse_qsl(raw, keep_blank_values=True) if raw else []
        self._values: dict[str, str] = {}
        for name, value in self._pairs:
            self._values.setdefault(name, value)

    def __bool__(self) -> bool:
        return bool(self._values)

    def get(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def has(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        return [v for n, v in self._pairs if n == name]

    def flag(self, name: str) -> bool:
        """Whether a boolean parameter is given and neither `false` nor `0`."""
        value = self._values.get(name)
        return value is not None and value.lower() not in _FALSE


def parse(method: str, path: str, query: Query) -> RequestInfo:
    """The meaning of a request; never fails: what cannot be a resource path is answered as a plain path."""
    verb = _METHOD_VERBS.get(method, "")
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) >= 3:
        info = RequestInfo(path, verb, True, "", parts[1])
        parts = parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        info = RequestInfo(path, verb, True, parts[1], parts[2])
        parts = parts[3:]
    else:
        return RequestInfo(path, method.lower())
    if parts[0] == "watch" and len(parts) > 1:
        info.legacy_watch = True
        parts = parts[1:]
    _fill(info, parts)
    if verb == "get" and (not info.name or info.legacy_watch):
        info.verb = "watch" if info.legacy_watch or query.flag("watch") else "list"
    elif verb == "delete" and not info.name:
        info.verb = "deletecollection"
    return info


def is_proxied(method: str, path: str) -> bool:
    """Whether the body of a request is for somebody else. Looked at in full only where the path may say so: namespaces and
    objects have names like `proxy` too."""
    return "/proxy" in path and parse(method, path, Query("")).subresource == "proxy"


def _fill(info: RequestInfo, parts: list[str]) -> None:
    if parts[0] == "namespaces" and len(parts) > 1:
        info.namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    info.resource = parts[0]
    if len(parts) > 1:
        info.name = parts[1]
    if len(parts) > 2 and not info.legacy_watch:
        info.subresource = parts[2]
        info.rest = "/".join(parts[3:])
