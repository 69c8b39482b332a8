"""Credentials from a kubeconfig file: how a part of the system learns where the API server is and who it is itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from steersman.api import yaml
from steersman.client.transport import Credentials
from steersman.pki.watched import Watched


def load(path: Path, context: str = "") -> Credentials:
    """The credentials of a context (the current one by default). ValueError says what the file lacks."""
    config = yaml.load(path.read_bytes())
    if not isinstance(config, Mapping):
        raise ValueError(f"{path}: not a kubeconfig")
    chosen = _named(config, "contexts", context or str(config.get("current-context") or ""), path).get("context") or {}
    cluster = _named(config, "clusters", str(chosen.get("cluster") or ""), path).get("cluster") or {}
    user = _named(config, "users", str(chosen.get("user") or ""), path).get("user") or {}
    if not cluster.get("server"):
        raise ValueError(f"{path}: cluster {chosen.get('cluster')!r} has no server")
    here = path.parent
    return Credentials(
        server=str(cluster["server"]),
        ca=_pem(cluster, "certificate-authority", here),
        certificate=_pem(user, "client-certificate", here),
        key=_pem(user, "client-key", here),
        token=str(user.get("token") or ""),
        token_file=str(here / user["tokenFile"]) if user.get("tokenFile") else "",
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
    )


def watch(path: Path, context: str = "") -> Watched[Credentials]:
    """The same, read again when the kubeconfig changes or one of the files that it names. Raises ValueError and OSError."""
    return watching(path, lambda: load(path, context))


def watching(path: Path, make: Callable[[], Credentials]) -> Watched[Credentials]:
    """What `make` makes of the kubeconfig, made again as `watch` says."""
    return Watched(make, lambda: [path, *_files(path)])


def _files(path: Path) -> list[Path]:
    """The certificates and keys that a kubeconfig names."""
    try:
        config = yaml.load(path.read_bytes())
    except ValueError:
        # What is wrong with it, `load` says.
        return []
    if not isinstance(config, Mapping):
        return []
    found: list[Path] = []
    for section, kind, names in (
        ("clusters", "cluster", ("certificate-authority",)),
        ("users", "user", ("client-certificate", "client-key")),
    ):
        for entry in config.get(section) or ():
            inner = entry.get(kind) if isinstance(entry, Mapping) else None
            if isinstance(inner, Mapping):
                found += [path.parent / str(inner[name]) for name in names if inner.get(name)]
    return found


def _named(config: Mapping[str, Any], section: str, name: str, path: Path) -> Mapping[str, Any]:
    for entry in config.get(section) or ():
        if isinstance(entry, Mapping) and entry.get("name") == name:
            return entry
    raise ValueError(f"{path}: no {section[:-1]} named {name!r}")


def _pem(section: Mapping[str, Any], name: str, here: Path) -> str:
    """A PEM text that is given in base64 (`<name>-data`) or as a file, relative to the kubeconfig."""
    data = section.get(f"{name}-data")
    if data:
        return base64.b64decode(str(data)).decode()
    file = section.get(name)
    return (here / str(file)).read_text() if file else ""
