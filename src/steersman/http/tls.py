"""TLS for servers: how it is set up, what is read again while they run, and who a client's certificate names."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steersman.api.http import User
from steersman.api.identities import CREDENTIAL_ID
from steersman.pki.watched import Watched

# The object identifier under which a subject names its uid.
_UID = "1.3.6.1.4.1.57683.2"

DEFAULT_VERSION = "VersionTLS12"
# As Go names them. What is older than 1.2 is not offered at all.
VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = ("VersionTLS10", "VersionTLS11")
# The suites of TLS 1.2 that are still good, by Go's names, with OpenSSL's: forward secrecy, authenticated encryption.
_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
}
# These are always on: TLS 1.3 lets nobody choose, neither in Go nor here.
_SUITES_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES = (*_SUITES, *_SUITES_13)


def check_version(name: str) -> None:
    """Raises ValueError for what is no version of TLS, or too old a one."""
    if name in _OLD_VERSIONS:
        raise ValueError(f"{name} is no longer safe; possible values: {', '.join(VERSIONS)}")
    if name and name not in VERSIONS:
        raise ValueError(f'unknown tls version "{name}"; possible values: {", ".join(VERSIONS)}')


def check_suites(names: Sequence[str]) -> None:
    """Raises ValueError for a suite that there is not, or that is not safe."""
    for name in names:
        if name not in SUITES:
            raise ValueError(
                f"cipher suite {name} not supported or doesn't exist; possible values: {', '.join(SUITES)}"
            )


@dataclass(frozen=True)
class Settings:
    """What is offered to clients. Raises ValueError for names that are none."""

    min_version: str = DEFAULT_VERSION
    cipher_suites: tuple[str, ...] = ()
    """For TLS 1.2; none is all that are good."""

    def __post_init__(self) -> None:
        check_version(self.min_version)
        check_suites(self.cipher_suites)

    @property
    def ciphers(self) -> str:
        """OpenSSL's names of the suites for TLS 1.2."""
        chosen = [_SUITES[name] for name in self.cipher_suites or _SUITES if name in _SUITES]
        return ":".join(dict.fromkeys(chosen or _SUITES.values()))


def server_tls(
    cert_file: str, key_file: str, *client_ca_files: str, settings: Settings | None = None
) -> ssl.SSLContext:
    """TLS for a server; with `client_ca_files`, client certificates are asked for, and those of these CAs are accepted."""
    settings = settings or Settings()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[settings.min_version or DEFAULT_VERSION]
    context.set_ciphers(settings.ciphers)
    # Resumed sessions would vouch for a client's certificate without another look at it.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.load_cert_chain(cert_file, key_file)
    for file in filter(None, client_ca_files):
        context.load_verify_locations(file)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


class ServerTLS:
    """A server's TLS, from files that are read again when they change.

    `current` is for connections from now on. `look` reads what has changed; `changed` is called after, if the authorities of
    clients are others: what else is new concerns nobody who is connected.
    """

    def __init__(
        self,
        cert_file: str,
        key_file: str,
        *client_ca_files: str,
        settings: Settings | None = None,
        changed: Callable[[], None] | None = None,
    ) -> None:
        """Raises OSError and ValueError for files that are not there or say nothing that could be used."""
        authorities = tuple(filter(None, client_ca_files))
        self._trusted: list[bytes] = []

        def made() -> ssl.SSLContext:
            # Before they are loaded: a file that is replaced in between is read again, and is another than here then.
            trusted = [Path(file).read_bytes() for file in authorities]
            context = server_tls(cert_file, key_file, *authorities, settings=settings)
            self._trusted = trusted
            return context

        self._watched = Watched(made, lambda: (cert_file, key_file, *authorities))
        self.changed = changed

    @property
    def current(self) -> ssl.SSLContext:
        return self._watched.current

    def look(self) -> bool:
        """Whether something has changed that could be taken."""
        before = self._trusted
        if not self._watched.look():
            return False
        if self._trusted != before and self.changed is not None:
            self.changed()
        return True


def user_of_certificate(certificate: dict[str, Any], der: bytes = b"") -> User | None:
    """The user a verified client certificate names: common name, organisations, and a uid; None when it names nobody, or has
    more than one uid. `der` is the certificate itself, whose digest is its credential's id."""
    name, groups, uids = "", [], []
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
            elif key == _UID:
                uids.append(value)
    if not name or len(uids) > 1 or not all(uids):
        return None
    extra = {CREDENTIAL_ID: (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)} if der else {}
    return User(name, tuple(groups), uids[0] if uids else "", extra)


def end_of_certificate(certificate: dict[str, Any]) -> float:
    """When a certificate ends, in seconds since 1970."""
    return ssl.cert_time_to_seconds(certificate["notAfter"])
