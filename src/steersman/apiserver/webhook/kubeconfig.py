"""Where a webhook of the server's own configuration listens, and who the server is to it: a file in kubeconfig's format."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from steersman.api.configuration import ConfigurationError, read_bytes
from steersman.apiserver.backend import Target
from steersman.pki import trust
from steersman.pki.inmemory import load_chain


@dataclass(frozen=True, slots=True, repr=False)
class Remote:
    """An address with what the server shows there. `token_file` is read for each call, because it may be renewed."""

    target: Target
    path: str
    query: str = ""
    token: str = ""
    token_file: Path | None = None
    basic: str = ""

    @property
    def url(self) -> str:
        scheme = "https" if self.target.tls else "http"
        return f"{scheme}://{self.target.authority}{self.path}{'?' + self.query if self.query else ''}"

    def headers(self) -> list[tuple[str, str]]:
        """Of each call. Raises OSError."""
        found = [("Content-Type", "application/json"), ("Accept", "application/json")]
        token = self.token_file.read_text().strip() if self.token_file is not None else self.token
        if token:
            found.append(("Authorization", f"Bearer {token}"))
        elif self.basic:
            found.append(("Authorization", f"Basic {self.basic}"))
        return found


def read(path: Path) -> Remote:
    """The current context of a kubeconfig. Raises ConfigurationError, which never shows a credential."""
    from steersman.api import yaml

    try:
        config = yaml.load(read_bytes(path))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not isinstance(config, Mapping):
        raise ConfigurationError(f"{path}: is no kubeconfig")
    chosen = _named(config, "contexts", str(config.get("current-context") or ""), "context", path)
    cluster = _named(config, "clusters", str(chosen.get("cluster") or ""), "cluster", path)
    name = str(chosen.get("user") or "")
    user = _named(config, "users", name, "user", path) if name else {}
    try:
        return _remote(cluster, user, path)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _named(config: Mapping[str, Any], section: str, name: str, part: str, path: Path) -> Mapping[str, Any]:
    listed = config.get(section)
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and entry.get("name") == name:
            found = entry.get(part)
            return found if isinstance(found, Mapping) else {}
    raise ConfigurationError(f"{path}: {section}: there is no {part} named {name!r}")


def _remote(cluster: Mapping[str, Any], user: Mapping[str, Any], path: Path) -> Remote:
    server = str(cluster.get("server") or "")
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"cluster.server: must be a URL, not {server!r}")
    if user.get("exec") or user.get("auth-provider"):
        raise ValueError("user: exec and auth-provider are not for servers")
    tls = _tls(cluster, user, path.parent) if parts.scheme == "https" else None
    name = str(cluster.get("tls-server-name") or parts.hostname)
    basic = ""
    if user.get("username") or user.get("password"):
        basic = base64.b64encode(f"{user.get('username', '')}:{user.get('password', '')}".encode()).decode()
    return Remote(
        Target(parts.hostname, parts.port or (443 if tls else 80), tls, name if tls else ""),
        unquote(parts.path) or "/",
        parts.query,
        str(user.get("token") or ""),
        path.parent / str(user["tokenFile"]) if user.get("tokenFile") else None,
        basic,
    )


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], here: Path) -> ssl.SSLContext:
    ca = _pem(cluster, "certificate-authority", here)
    try:
        context = trust.trusting_anybody() if cluster.get("insecure-skip-tls-verify") else trust.trusting(ca)
    except ValueError as error:
        raise ValueError("certificate-authority: holds no certificates") from error
    certificate, key = _pem(user, "client-certificate", here), _pem(user, "client-key", here)
    if certificate or key:
        try:
            load_chain(context, certificate, key)
        except ssl.SSLError as error:
            raise ValueError("client-certificate and client-key do not make a pair") from error
    return context


def _pem(section: Mapping[str, Any], name: str, here: Path) -> str:
    """A PEM text that is given in base64 (`<name>-data`) or as a file, relative to the kubeconfig. Raises ValueError, OSError."""
    data = section.get(f"{name}-data")
    if data:
        try:
            return base64.b64decode(str(data), validate=True).decode()
        except ValueError as error:
            raise ValueError(f"{name}-data: must be base64 of PEM") from error
    file = section.get(name)
    return (here / str(file)).read_text() if file else ""
