"""The key that signs service account tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from steersman.pki import accountkey, layout, tokens
from steersman.pki.accountkey import NewKey


def test_a_key() -> None:
    private, public = NewKey().pair()
    key, other = tokens.Key(private), tokens.Key(public)
    assert (key.is_private, other.is_private) == (True, False)
    assert (key.algorithm, key.kid) == ("RS256", other.kid)
    assert isinstance(key.public, rsa.RSAPublicKey)
    assert key.public.key_size == accountkey.BITS
    assert tokens.verify(tokens.sign({"exp": 10}, key), [other], 0) == {"exp": 10}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accountkey, "BITS", 1)
    with pytest.raises(RuntimeError, match="no RSA key could be made"):
        NewKey().pair()


def test_files(tmp_path: Path) -> None:
    place = layout.Layout(tmp_path)
    layout.ensure_cluster(place, ("127.0.0.1",), datetime.now(UTC))
    key, other = (tokens.load_key(file) for file in (place.service_account_key, place.service_account_public_key))
    assert (key.algorithm, key.kid) == ("RS256", other.kid)
    # It stays what it is.
    layout.ensure_cluster(place, ("127.0.0.1",), datetime.now(UTC))
    assert tokens.load_key(place.service_account_key) == key
