"""Whom TLS trusts: a bundle, the system, anybody; and what is no bundle."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest

from steersman.pki import trust
from steersman.pki.certs import Pair, Request, issue, new_ca
from steersman.pki.inmemory import load_chain

NOW = datetime.now(UTC)


def _talk(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A handshake without a socket. Raises what the client has against the server."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    left = [ours, theirs]
    for _ in range(10):
        for side in list(left):
            try:
                side.do_handshake()
                left.remove(side)
            except ssl.SSLWantReadError:
                continue
        if not left:
            return
    raise AssertionError("no end of it")


def _server(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, pair.cert.decode(), pair.key.decode())
    return context


def test_whom_a_bundle_trusts() -> None:
    authority, other = new_ca("ca", NOW), new_ca("other", NOW)
    pair = issue(authority, Request("server", hosts=("hook.example.com",), usages=("server",)), NOW)
    server = _server(pair)
    _talk(trust.trusting(authority.cert), server, "hook.example.com")
    _talk(trust.trusting(authority.cert.decode()), server, "hook.example.com")
    # As in Go, the server's own certificate is as good as its authority's.
    _talk(trust.trusting(pair.cert), server, "hook.example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        _talk(trust.trusting(other.cert), server, "hook.example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        _talk(trust.trusting(authority.cert), server, "other.example.com")
    for anybody in (trust.anybody(), trust.trusting_anybody()):
        _talk(anybody, server, "other.example.com")


def test_the_system_is_trusted_where_nothing_is_said() -> None:
    context = trust.trusting("")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert trust.trusting(b"").get_ca_certs() == context.get_ca_certs()


@pytest.mark.parametrize(
    "ca", ["x", b"x", " ", b"\xff", "é", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_bundle(ca: str | bytes) -> None:
    for make in (trust.trusting, trust.connecting):
        with pytest.raises(ValueError, match="unable to parse bytes as PEM block"):
            make(ca)


def test_what_is_shared() -> None:
    authority = new_ca("ca", NOW)
    assert trust.connecting(authority.cert) is trust.connecting(authority.cert)
    assert trust.trusting(authority.cert) is not trust.trusting(authority.cert)
    assert trust.anybody() is trust.anybody()
    assert trust.trusting_anybody() is not trust.anybody()
