"""Where a webhook of the server's own configuration listens, and who the server is to it: a file in kubeconfig's format."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from steersman.api import kubeconfig
from steersman.api.configuration import ConfigurationError, read_bytes
from steersman.apiserver.backend import Target
from steersman.pki import trust
from steersman.pki.trust import Pem
from steersman.pki.watched import Watched

if TYPE_CHECKING:
    from steersman.apiserver.webhook.execplugin import Issued, Plugin


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """What the server shows of itself: a user of a kubeconfig. Files are read again when they have changed."""

    certificate: Pem = ""
    key: Pem = ""
    token: str = ""
    token_file: Path | None = None
    basic: str = ""
    impersonated: tuple[tuple[str, str], ...] = ()
    """Headers that say for whom it asks."""
    plugin: Plugin | None = None
    """Who says the rest, from time to time."""
    issued: Issued | None = None
    """What it has said."""

    async def current(self) -> Identity:
        """What is shown now, all of it. Raises PluginError."""
        if self.plugin is None:
            return self
        found = await self.plugin.issued()
        return replace(self, certificate=found.certificate, key=found.key, token=found.token, issued=found)

    def refused(self) -> None:
        """A server does not know whom `current` shows."""
        if self.plugin is not None and self.issued is not None:
            self.plugin.refused(self.issued)

    def headers(self) -> list[tuple[str, str]]:
        """Of each call. Raises OSError, ValueError for a token's file that has never been good."""
        found = list(self.impersonated)
        if token := self._token():
            found.append(("Authorization", f"Bearer {token}"))
        elif self.basic:
            found.append(("Authorization", f"Basic {self.basic}"))
        return found

    def _token(self) -> str:
        if self.token_file is None:
            return self.token
        try:
            read = _token_in(self.token_file)
        except (OSError, ValueError):
            if not self.token:
                raise
            return self.token
        read.look()
        return read.current


NOBODY = Identity()


@lru_cache(maxsize=64)
def _token_in(file: Path) -> Watched[str]:
    def read() -> str:
        token = file.read_text().strip()
        if not token:
            raise ValueError(f"{file}: the file of the token is empty")
        return token

    return Watched(read, lambda: [file])


@dataclass(frozen=True, slots=True, repr=False)
class Remote:
    """An address with what the server shows there."""

    host: str
    port: int
    path: str
    query: str = ""
    secure: bool = True
    name: str = ""
    """What the certificate there must say, if not the host."""
    ca: Pem = ""
    trusting: bool = False
    """Whether anybody may be there."""
    proxy: str = ""
    identity: Identity = NOBODY

    async def current(self) -> Remote:
        """With what the server shows now. Raises ValueError."""
        return self if self.identity.plugin is None else replace(self, identity=await self.identity.current())

    @property
    def url(self) -> str:
        scheme = "https" if self.secure else "http"
        authority = Target(self.host, self.port).authority
        return f"{scheme}://{authority}{self.path}{'?' + self.query if self.query else ''}"

    def target(self) -> Target:
        """With the TLS of the moment. Raises ValueError, OSError for files that have never been good."""
        if not self.secure:
            return Target(self.host, self.port, proxy=self.proxy)
        who = self.identity
        tls = trust.connecting(self.ca, who.certificate, who.key, insecure=self.trusting)
        return Target(self.host, self.port, tls, self.name or self.host, self.proxy)

    def headers(self) -> list[tuple[str, str]]:
        """Of each call. Raises as `Identity.headers`."""
        return [("Content-Type", "application/json"), ("Accept", "application/json"), *self.identity.headers()]


def read(path: Path) -> Remote:
    """The current context of a kubeconfig. Raises ConfigurationError, which never shows a credential."""
    cluster, user = kubeconfig.chosen(kubeconfig.parse(read_bytes(path), path), path)
    try:
        remote = _remote(cluster, identity(user, path.parent, cluster), path.parent)
        # What is wrong with files is found out now.
        remote.target()
        remote.headers()
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return remote


def _remote(cluster: Mapping[str, Any], who: Identity, here: Path) -> Remote:
    server = str(cluster.get("server") or "")
    ca = kubeconfig.pem(cluster, "certificate-authority", here)
    anybody = bool(cluster.get("insecure-skip-tls-verify"))
    if server and "://" not in server:
        # As upstream: who says something of TLS means TLS.
        server = f"{'https' if ca or who.certificate or anybody else 'http'}://{server}"
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"cluster.server: must be a URL, not {server!r}")
    secure = parts.scheme == "https"
    if anybody and ca:
        raise ValueError("cluster: certificate-authority cannot be given together with insecure-skip-tls-verify")
    return Remote(
        parts.hostname,
        parts.port or (443 if secure else 80),
        unquote(parts.path) or "/",
        parts.query,
        secure,
        str(cluster.get("tls-server-name") or ""),
        ca,
        anybody,
        _proxy(str(cluster.get("proxy-url") or "")),
        who,
    )


def _proxy(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme != "http" or not parts.hostname):
        # It may hold a password.
        raise ValueError("cluster.proxy-url: must be the URL of a proxy that speaks plain HTTP (http://…)")
    return url


def identity(user: Mapping[str, Any], here: Path, cluster: Mapping[str, Any] | None = None) -> Identity:
    """A user of a kubeconfig that lies `here`, for a cluster if that is known. Raises ValueError, OSError."""
    if user.get("auth-provider"):
        raise ValueError("user: there are no auth-providers any more: exec has taken their place")
    certificate, key = kubeconfig.pem(user, "client-certificate", here), kubeconfig.pem(user, "client-key", here)
    if bool(certificate) != bool(key):
        raise ValueError("user: client-certificate and client-key make a pair, and one of them is missing")
    basic = ""
    if user.get("username") or user.get("password"):
        basic = base64.b64encode(f"{user.get('username') or ''}:{user.get('password') or ''}".encode()).decode()
    token = str(user.get("token") or "")
    if basic and (token or user.get("tokenFile")):
        raise ValueError("user: username and password cannot be given together with a token")
    file = here / str(user["tokenFile"]) if user.get("tokenFile") else None
    plugin = None
    if user.get("exec"):
        # Rarely needed.
        from steersman.apiserver.webhook.execplugin import plugin_of

        plugin = plugin_of(user["exec"], here, None if cluster is None else _told(cluster, here))
        if certificate or token or file or basic:
            # As upstream: what is written down goes before what would have to be asked for.
            plugin = None
    return Identity(certificate, key, token, file, basic, _impersonated(user), plugin)


def _told(cluster: Mapping[str, Any], here: Path) -> dict[str, Any]:
    """What a program is told of a cluster."""
    names = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    told = {name: cluster[name] for name in names if cluster.get(name)}
    if ca := kubeconfig.pem(cluster, "certificate-authority", here):
        text = ca.read_bytes() if isinstance(ca, Path) else str(ca).encode()
        told["certificate-authority-data"] = base64.b64encode(text).decode()
    for extension in cluster.get("extensions") or ():
        if isinstance(extension, Mapping) and extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return told


def _impersonated(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    name, uid = str(user.get("as") or ""), str(user.get("as-uid") or "")
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not name:
        if uid or groups or extra:
            raise ValueError("user: as-uid, as-groups and as-user-extra need a user that is impersonated (as)")
        return ()
    if not isinstance(groups, list) or not isinstance(extra, Mapping):
        raise ValueError("user: as-groups must be a list, and as-user-extra a map of lists")
    found = [("Impersonate-User", name), *((("Impersonate-Uid", uid),) if uid else ())]
    found += [("Impersonate-Group", str(group)) for group in groups]
    for key, values in extra.items():
        found += [(f"Impersonate-Extra-{key}", str(value)) for value in values]
    return tuple(found)
