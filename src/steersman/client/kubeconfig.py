"""Credentials from a kubeconfig file: how a part of the system learns where the API server is and who it is itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from steersman.api import kubeconfig
from steersman.client.transport import Credentials
from steersman.pki.watched import Watched


def load(path: Path, context: str = "") -> Credentials:
    """The credentials of a context (the current one by default). ValueError says what the file lacks."""
    cluster, user = kubeconfig.chosen(kubeconfig.parse(path.read_bytes(), path), path, context)
    if not cluster.get("server"):
        raise ValueError(f"{path}: the context's cluster has no server")
    here = path.parent
    return Credentials(
        server=str(cluster["server"]),
        ca=_text(cluster, "certificate-authority", here),
        certificate=_text(user, "client-certificate", here),
        key=_text(user, "client-key", here),
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
        config = kubeconfig.parse(path.read_bytes(), path)
    except ValueError:
        # What is wrong with it, `load` says.
        return []
    found: list[Path] = []
    for section, names in (
        ("clusters", ("certificate-authority",)),
        ("users", ("client-certificate", "client-key")),
    ):
        for entry in kubeconfig.entries(config, section).values():
            found += [path.parent / str(entry[name]) for name in names if entry.get(name)]
    return found


def _text(section: Mapping[str, Any], name: str, here: Path) -> str:
    """A text in PEM, wherever it is."""
    found = kubeconfig.pem(section, name, here)
    return found.read_text() if isinstance(found, Path) else found
