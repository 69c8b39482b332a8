"""TLS to servers that are trusted as Go's clients trust: whatever certificates are given count, and old ways of making one."""

from __future__ import annotations

import ssl
from functools import cache, lru_cache
from pathlib import Path

from steersman.pki.inmemory import load_chain
from steersman.pki.watched import Watched

Pem = str | bytes | Path
"""A text in PEM, or the file that has it."""
_NO_PEM = "unable to parse bytes as PEM block"


def trusting(ca: str | bytes) -> ssl.SSLContext:
    """TLS that trusts the certificates `ca` (PEM; empty: the system's). Raises ValueError for what is no PEM.

    The context is new: who has a client certificate to show may load it.
    """
    try:
        context = ssl.create_default_context(cadata=_text(ca) or None)
    except (ssl.SSLError, ValueError, TypeError) as error:
        # The last for what is not all ASCII.
        raise ValueError(_NO_PEM) from error
    # A server's own certificate may be what is trusted, and it need not have all that RFC 5280 wants of one.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trusting_anybody() -> ssl.SSLContext:
    """TLS to whoever answers. The context is new."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def anybody() -> ssl.SSLContext:
    """As `trusting_anybody`, once: nobody may change it."""
    return trusting_anybody()


def connecting(ca: Pem = "", certificate: Pem = "", key: Pem = "", *, insecure: bool = False) -> ssl.SSLContext:
    """TLS that trusts `ca` (empty: the system), or anybody, and shows a certificate (empty: none).

    The same one for the same arguments, so that connections are used again: nobody may change it. It is made anew when a
    file has changed; until that succeeds, it stays what it was. Raises ValueError and OSError, only for what never was good.
    """
    made = _made(ca, certificate, key, insecure)
    made.look()
    return made.current


@lru_cache(maxsize=256)
def _made(ca: Pem, certificate: Pem, key: Pem, insecure: bool) -> Watched[ssl.SSLContext]:
    def make() -> ssl.SSLContext:
        context = trusting_anybody() if insecure else trusting(_text(ca))
        if certificate or key:
            try:
                load_chain(context, _text(certificate), _text(key))
            except ssl.SSLError as error:
                raise ValueError("the client's certificate and key do not make a pair") from error
        return context

    return Watched(make, lambda: [pem for pem in (ca, certificate, key) if isinstance(pem, Path)])


def _text(pem: Pem) -> str:
    if isinstance(pem, Path):
        pem = pem.read_bytes()
    try:
        return pem if isinstance(pem, str) else pem.decode()
    except UnicodeDecodeError as error:
        raise ValueError(_NO_PEM) from error
