"""Front proxies: whose certificates make their word good on who asks, the headers that carry it, and how these are written.

The same headers go both ways: a proxy in front of this server sends them, and so does this server to aggregated ones.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from steersman.api.http import User

USER, UID, GROUP, EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
_AUTHENTICATED, _UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
_IDENTITY = frozenset(h.lower() for h in (USER, UID, GROUP))
_EXTRA = EXTRA.lower()
# What a header's name may hold as it is (RFC 7230, without the escape itself).
_PLAIN = frozenset("!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def is_identity(name: str) -> bool:
    """Whether a header (its name in lower case) says who asks. Such a header is never passed on.

    Neither are those that many servers (all that know headers as CGI does) cannot tell from it.
    """
    name = name.replace("_", "-")
    return name in _IDENTITY or name.startswith(_EXTRA)


def user_of(headers: Mapping[str, str]) -> User | None:
    """The user that a trusted proxy tells of, or None."""
    name = headers.get(USER.lower(), "")
    if not name:
        return None
    groups: list[str] = []
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers.items():
        lower = header.lower()
        if lower == GROUP.lower() and value:
            groups.append(value)
        elif lower.startswith(_EXTRA):
            key = unquote(lower.removeprefix(_EXTRA))
            extra[key] = (*extra.get(key, ()), value)
    user = User(name, tuple(groups), headers.get(UID.lower(), ""), extra)
    if name == "system:anonymous" or _AUTHENTICATED in groups or _UNAUTHENTICATED in groups:
        return user
    return replace(user, groups=(*groups, _AUTHENTICATED))


def headers_of(user: User) -> Iterator[tuple[str, str]]:
    """The headers that tell an aggregated server who asks."""
    yield USER, user.name
    if user.uid:
        yield UID, user.uid
    for group in user.groups:
        yield GROUP, group
    for key, values in user.extra.items():
        name = EXTRA + "".join(c if c in _PLAIN else "".join(f"%{b:02X}" for b in c.encode()) for c in key)
        for value in values:
            yield name, value


class Judge:
    """Tells the certificates of clients from those of front proxies: by the authority at the end of the verified chain."""

    def __init__(self, client_ca: Path | None, proxy_ca: Path) -> None:
        self._clients = _certificates(client_ca) if client_ca is not None else frozenset()
        self._proxies = _certificates(proxy_ca)

    def __call__(self, connection: Any) -> tuple[bool, bool]:
        """Whether the peer of this TLS connection (its `ssl_object`) is a client, and whether it is a front proxy."""
        chain = _verified_chain(connection)
        root = chain[-1] if chain else b""
        return root in self._clients, root in self._proxies


def _certificates(file: Path) -> frozenset[bytes]:
    blocks = file.read_text().split(_BEGIN)[1:]
    return frozenset(ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{b.partition(_END)[0]}{_END}\n") for b in blocks)


def _verified_chain(connection: Any) -> list[bytes]:
    """The certificates of the chain that was verified, from the peer's to the authority's."""
    if hasattr(connection, "get_verified_chain"):
        chain: list[bytes] = connection.get_verified_chain()
        return chain
    # Python has had it since 3.10, but under no public name before 3.13.
    found = connection._sslobj.get_verified_chain() or ()
    return [ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in found]
