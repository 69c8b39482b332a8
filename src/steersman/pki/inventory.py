"""What a certificate on disk says, for people: whose it is, who signed it, and how long it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True)
class Described:
    """Subjects and issuers as `CN=…,O=…`; times are in UTC. `purposes` are client and server."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    authority: bool
    serial: str
    purposes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    common_name: str = ""

    def left(self, now: datetime) -> float:
        """Seconds until it ends; negative when it has ended."""
        return (self.not_after - now.astimezone(UTC)).total_seconds()


def describe(pem: bytes) -> list[Described]:
    """Every certificate in a PEM text, in its order. Raises ValueError when there is none."""
    from cryptography import x509

    return [_described(found) for found in x509.load_pem_x509_certificates(pem)]


def signed_by(pem: bytes, authorities: bytes) -> bool:
    """Whether one of the authorities has signed the first certificate of a PEM text. Raises ValueError."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    found = x509.load_pem_x509_certificate(pem)
    for authority in x509.load_pem_x509_certificates(authorities):
        try:
            found.verify_directly_issued_by(authority)
        except (InvalidSignature, TypeError, ValueError):
            # Another one's, or of a key that signs in another way.
            continue
        return True
    return False


def read(path: Path) -> Described | str:
    """The first certificate of a file, or what is wrong with it."""
    try:
        return describe(path.read_bytes())[0]
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"


def residual(seconds: float) -> str:
    """A time that is left, as `kubeadm certs check-expiration` writes it: in years, days, hours or minutes."""
    if seconds <= 0:
        return "expired"
    for unit, size in (("y", 365 * 86400), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and (unit != "y" or seconds >= 2 * size):
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _described(found: x509.Certificate) -> Described:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    purposes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    authority = False
    for extension in found.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            authority = value.ca
        elif isinstance(value, x509.ExtendedKeyUsage):
            known = {ExtendedKeyUsageOID.CLIENT_AUTH: "client", ExtendedKeyUsageOID.SERVER_AUTH: "server"}
            purposes = tuple(known[usage] for usage in value if usage in known)
        elif isinstance(value, x509.SubjectAlternativeName):
            names = tuple(str(name.value) for name in value)
    return Described(
        found.subject.rfc4514_string(),
        found.issuer.rfc4514_string(),
        found.not_valid_before_utc,
        found.not_valid_after_utc,
        authority,
        f"{found.serial_number:x}",
        purposes,
        names,
        next((str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)), ""),
    )
