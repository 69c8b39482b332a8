"""Whether a certificate and a private key, both in PEM, belong together: what a server would find out when it starts."""

from __future__ import annotations

from typing import Any

from steersman.kinds.certificates import pem

_CERTIFICATE, _KEY = "CERTIFICATE", "PRIVATE KEY"


def problem(certificates: bytes, key: bytes) -> str:
    """What is wrong with a pair, in the words of Go's servers; empty when it is fine. The first certificate counts."""
    found, others = _split(pem.blocks(certificates), certificates=True)
    if not found:
        return _no_certificate(others)
    keys, others = _split(pem.blocks(key), certificates=False)
    if not keys:
        return _no_key(others)
    try:
        own = pem.certificate(found[0].data)
    except pem.X509Error as error:
        return str(error)
    private = _load(keys[0].data)
    return "tls: failed to parse private key" if private is None else _mismatch(own, private)


def _split(blocks: list[pem.Block], *, certificates: bool) -> tuple[list[pem.Block], list[str]]:
    """The blocks that are meant, and the types of those that are passed over."""
    found, others = [], []
    for block in blocks:
        if block.type == _CERTIFICATE if certificates else block.type.endswith(_KEY):
            found.append(block)
        elif certificates or not found:
            others.append(block.type)
    return found, others


def _no_certificate(others: list[str]) -> str:
    if not others:
        return "tls: failed to find any PEM data in certificate input"
    if len(others) == 1 and others[0].endswith(_KEY):
        return (
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
            "PEM inputs may have been switched"
        )
    skipped = f"after skipping PEM blocks of the following types: [{' '.join(others)}]"
    return f'tls: failed to find "CERTIFICATE" PEM block in certificate input {skipped}'


def _no_key(others: list[str]) -> str:
    if not others:
        return "tls: failed to find any PEM data in key input"
    if others == [_CERTIFICATE]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    skipped = f"after skipping PEM blocks of the following types: [{' '.join(others)}]"
    return f'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input {skipped}'


def _load(data: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        # Whether the numbers of a key make sense takes long to find out, and is not asked.
        return load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _mismatch(own: Any, private: Any) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    kinds = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)
    try:
        public = own.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "tls: unknown public key algorithm"
    kind = next((kind for kind in kinds if isinstance(public, kind)), None)
    if kind is None:
        return "tls: unknown public key algorithm"
    other = private.public_key()
    if not isinstance(other, kind):
        return "tls: private key type does not match public key type"
    return "" if public == other else "tls: private key does not match public key"
