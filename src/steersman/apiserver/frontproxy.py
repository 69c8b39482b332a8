"""Front proxies: whose certificates make their word good on who asks, the headers that carry it, and how these are written.

The same headers go both ways: a proxy in front of this server sends them, and so does this server to aggregated ones.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from steersman.api.http import User
from steersman.api.identities import authenticated
from steersman.http.head import is_text, of_pairs

if TYPE_CHECKING:
    from steersman.apiserver.config import FrontProxy

USER, UID, GROUP, EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
_IDENTITY = frozenset(h.lower() for h in (USER, UID, GROUP))
_EXTRA = EXTRA.lower()
# What a header's name may hold as it is (RFC 7230, without the escape itself).
_PLAIN = frozenset("!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def is_identity(name: str) -> bool:
    """Whether a header (its name in lower case) says who asks. Such a header is never passed on.

    Neither are those that many servers (all that know headers as CGI does) cannot tell from it.
    """
    name = _plain(name)
    return name in _IDENTITY or name.startswith(_EXTRA)


class Reader:
    """Reads who asks from the headers that front proxies use, by the names that `settings` give them."""

    def __init__(self, settings: FrontProxy) -> None:
        self._users, self._uids, self._groups, self._extras = (
            tuple(name.lower() for name in names)
            for names in (
                settings.username_headers,
                settings.uid_headers,
                settings.group_headers,
                settings.extra_prefixes,
            )
        )
        self._exact = frozenset(_plain(name) for name in (*self._users, *self._uids, *self._groups)) - _IDENTITY
        self._prefixes = tuple(prefix for prefix in map(_plain, self._extras) if not prefix.startswith(_EXTRA))
        self.has_others = bool(self._exact or self._prefixes)
        """Whether headers count that are not those of all front proxies, which are never passed on anyway."""

    def user_of(self, headers: Mapping[str, str]) -> User | None:
        """The user that a trusted proxy tells of, or None."""
        name = self._first(headers, self._users)
        if not name:
            return None
        told = [(header.lower(), value) for header, value in headers.items()]
        groups = tuple(value for wanted in self._groups for header, value in told if header == wanted and value)
        extra: dict[str, tuple[str, ...]] = {}
        for prefix in self._extras:
            for header, value in told:
                if header.startswith(prefix):
                    key = unquote(header.removeprefix(prefix))
                    extra[key] = (*extra.get(key, ()), value)
        uid = self._first(headers, self._uids)
        if not all(map(is_text, (name, uid, *groups, *(value for values in extra.values() for value in values)))):
            return None
        return authenticated(User(name, groups, uid, extra))

    def stripped(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers without those that say who asks under names of their own, so that they are passed on to nobody."""
        if not any(map(self._is_other, headers)):
            return headers
        return of_pairs([(name, value) for name, value in headers.items() if not self._is_other(name)])

    def _is_other(self, name: str) -> bool:
        plain = _plain(name)
        return plain in self._exact or plain.startswith(self._prefixes)

    def _first(self, headers: Mapping[str, str], names: tuple[str, ...]) -> str:
        return next(filter(None, (headers.get(name, "") for name in names)), "")


def _plain(name: str) -> str:
    """A header's name as servers see it that cannot tell - from _."""
    return name.lower().replace("_", "-")


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


def overlap(one: Path, other: Path) -> bool:
    """Whether two files have an authority in common."""
    try:
        return not _certificates(one).isdisjoint(_certificates(other))
    except (OSError, ValueError):
        # What is wrong with a file, whoever needs it says.
        return False


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
