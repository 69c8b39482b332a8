"""The key that signs service account tokens: RSA, because there are verifiers that know nothing else, made while others work."""

from __future__ import annotations

import threading

BITS = 2048


class NewKey:
    """Begins to make a key, which takes some 30 ms, and now and then three times as long, of another processor."""

    def __init__(self) -> None:
        # Loaded here, and not in the thread, where it would wait for whatever else is being imported.
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        self._made: tuple[bytes, bytes] | None = None

        def make() -> None:
            key = rsa.generate_private_key(65537, BITS)
            pem = serialization.Encoding.PEM
            private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
            self._made = private, public

        self._thread = threading.Thread(target=make, name="account-key", daemon=True)
        self._thread.start()

    def pair(self) -> tuple[bytes, bytes]:
        """The private key and its public half as PEM, once they are there."""
        self._thread.join()
        if self._made is None:
            raise RuntimeError("no RSA key could be made")
        return self._made
