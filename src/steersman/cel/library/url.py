"""URLs: `url`, `isURL` and what a URL consists of."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from steersman.cel.costs import laborious, traverse
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, function, method
from steersman.cel.types import BOOL, LIST_OF_STRING, STRING, map_of, opaque
from steersman.cel.values import Opaque

URL_TYPE = opaque("kubernetes.URL")
_SHAPE = re.compile(
    r"(?:([a-zA-Z][a-zA-Z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL | re.ASCII
)
_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})", re.ASCII)
_PORT = re.compile(r"(?::[0-9]*)?", re.ASCII)
_PATH_SAFE = "!$&'()*+,;=:@/-_.~[]"


class Url(Opaque):
    """A parsed URL."""

    __slots__ = ("host", "path", "query", "scheme", "text")
    cel_type = URL_TYPE

    def __init__(self, text: str) -> None:
        """Raises EvalError where Go's ParseRequestURI would."""
        if not text or any(ord(ch) < 0x20 or ch == "\x7f" for ch in text):
            raise _invalid(text, "empty url" if not text else "net/url: invalid control character in URL")
        found = _SHAPE.fullmatch(text)
        if found is None:
            raise _invalid(text, "invalid URI for request")
        scheme, authority, path, query = (found.group(at) for at in range(1, 5))
        if not text.startswith("/") and scheme is None:
            raise _invalid(text, "invalid URI for request")
        if authority is None and not path.startswith("/"):
            path = ""  # what follows the scheme is opaque, as in "mailto:someone"
        if _ESCAPE.search(path) is not None:
            raise _invalid(text, "invalid URL escape")
        self.text = text
        self.scheme = (scheme or "").lower()
        self.host = _host(text, authority or "")
        self.path = path
        self.query = query or ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __len__(self) -> int:
        return len(self.text)


def _invalid(text: str, why: str) -> EvalError:
    return EvalError(f'URL parse error during conversion from string: parse "{text[:200]}": {why}')


def _host(text: str, authority: str) -> str:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0:
            raise _invalid(text, "missing ']' in host")
        port = host[end + 1 :]
    else:
        name, colon, digits = host.rpartition(":")
        port = colon + digits if colon else ""
        if (colon and ":" in name) or any(ch in ' <>"{}|\\^`' for ch in host):
            raise _invalid(text, "invalid character in host name")
    if _PORT.fullmatch(port) is None:
        raise _invalid(text, f'invalid port "{port}" after host')
    return host


def _split_host(url: Url) -> tuple[str, str]:
    host = url.host
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    return (name[1:-1] if name.startswith("[") and name.endswith("]") else name), port


def _escaped_path(url: Url) -> str:
    if all(ch.isascii() and (ch.isalnum() or ch in _PATH_SAFE or ch == "%") for ch in url.path):
        return url.path
    return quote(unquote_to_bytes(url.path), safe=_PATH_SAFE.replace("[", "").replace("]", ""))


def _query(url: Url) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in url.query.split("&"):
        if not part or ";" in part:
            continue
        name, _, value = part.partition("=")
        if _ESCAPE.search(part) is None:
            found.setdefault(_decoded(name), []).append(_decoded(value))
    return found


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def is_url(text: str) -> bool:
    try:
        Url(text)
    except EvalError:
        return False
    return True


_TRAVERSE = laborious(30, traverse(same_size=True))

LIBRARY = Library(
    "kubernetes.urls",
    [
        function("url", "string_to_url", (STRING,), URL_TYPE, Url, _TRAVERSE),
        function("isURL", "is_url_string", (STRING,), BOOL, is_url),
        method("getScheme", "url_get_scheme", (URL_TYPE,), STRING, lambda url: url.scheme),
        method("getHost", "url_get_host", (URL_TYPE,), STRING, lambda url: url.host),
        method("getHostname", "url_get_hostname", (URL_TYPE,), STRING, lambda url: _split_host(url)[0]),
        method("getPort", "url_get_port", (URL_TYPE,), STRING, lambda url: _split_host(url)[1]),
        method("getEscapedPath", "url_get_escaped_path", (URL_TYPE,), STRING, _escaped_path),
        method("getQuery", "url_get_query", (URL_TYPE,), map_of(STRING, LIST_OF_STRING), _query),
    ],
)
