"""Client certificates in memory: shown when they fit their key, and never on a disk."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime

import pytest

from steersman.pki.certs import Request, issue, new_ca
from steersman.pki.inmemory import load_chain

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    ca = new_ca("ca", NOW)
    one, other = (issue(ca, Request(name), NOW) for name in "ab")
    assert "PRIVATE KEY" not in repr(one)
    context = ssl.create_default_context()
    load_chain(context, one.cert.decode(), one.key.decode())
    for certificate, key in ((one.cert, other.key), (one.cert, b""), (b"", one.key), (b"x", b"y")):
        with pytest.raises(ssl.SSLError):
            load_chain(context, certificate.decode(), key.decode())
