"""TLS to servers that are trusted as Go's clients trust: whatever certificates are given count, and old ways of making one."""

from __future__ import annotations

import ssl
from functools import cache, lru_cache


def trusting(ca: str | bytes) -> ssl.SSLContext:
    """TLS that trusts the certificates `ca` (PEM; empty: the system's). Raises ValueError for what is no PEM.

    The context is new: who has a client certificate to show may load it.
    """
    try:
        pem = ca if isinstance(ca, str) else ca.decode()
        context = ssl.create_default_context(cadata=pem or None)
    except (ssl.SSLError, ValueError, TypeError) as error:
        # The last for what is not all ASCII.
        raise ValueError("unable to parse bytes as PEM block") from error
    # A server's own certificate may be what is trusted, and it need not have all that RFC 5280 wants of one.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@lru_cache(maxsize=256)
def shared(ca: str | bytes) -> ssl.SSLContext:
    """As `trusting`, once for each bundle, so that connections are used again: nobody may change it."""
    return trusting(ca)


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
