"""TLS for servers, and who a client's certificate names."""

from __future__ import annotations

import ssl
from typing import Any

from steersman.api.http import User


def server_tls(cert_file: str, key_file: str, *client_ca_files: str) -> ssl.SSLContext:
    """TLS for a server; with `client_ca_files`, client certificates are asked for, and those of these CAs are accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert_file, key_file)
    for file in filter(None, client_ca_files):
        context.load_verify_locations(file)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def user_of_certificate(certificate: dict[str, Any]) -> User | None:
    """The user a verified client certificate names: common name and organisations; None when it names nobody."""
    name, groups = "", []
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, tuple(groups)) if name else None
