"""Files in kubeconfig's format: clusters, users, and contexts that put one of each together."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steersman.api import yaml
from steersman.api.configuration import ConfigurationError

_PARTS = {"contexts": "context", "clusters": "cluster", "users": "user"}


def parse(data: bytes, where: Path) -> Mapping[str, Any]:
    """What a file says. Raises ConfigurationError."""
    try:
        config = yaml.load(data)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if not isinstance(config, Mapping):
        raise ConfigurationError(f"{where}: is no kubeconfig")
    return config


def entries(config: Mapping[str, Any], section: str) -> dict[str, Mapping[str, Any]]:
    """What a section lists (`contexts`, `clusters` or `users`), by name; of equal names the first counts."""
    listed = config.get(section)
    found: dict[str, Mapping[str, Any]] = {}
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping):
            said = entry.get(_PARTS[section])
            found.setdefault(str(entry.get("name") or ""), said if isinstance(said, Mapping) else {})
    return found


def chosen(config: Mapping[str, Any], where: Path, context: str = "") -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The cluster and the user of a context, by default of the current one; a context may name no user. Raises
    ConfigurationError."""
    found = _named(config, "contexts", context or str(config.get("current-context") or ""), where)
    cluster = _named(config, "clusters", str(found.get("cluster") or ""), where)
    name = str(found.get("user") or "")
    return cluster, _named(config, "users", name, where) if name else {}


def _named(config: Mapping[str, Any], section: str, name: str, where: Path) -> Mapping[str, Any]:
    found = entries(config, section).get(name) if name else None
    if found is None:
        raise ConfigurationError(f"{where}: {section}: there is no {_PARTS[section]} named {name!r}")
    return found


def pem(section: Mapping[str, Any], name: str, here: Path) -> str | Path:
    """What a cluster or a user gives in base64 (`<name>-data`), or the file, relative to where the kubeconfig is; "" for
    nothing. Raises ValueError."""
    data, file = section.get(f"{name}-data"), section.get(name)
    if data and file:
        raise ValueError(f"{name} and {name}-data are both given")
    if data:
        try:
            # It may be written in lines.
            return base64.b64decode("".join(str(data).split()), validate=True).decode()
        except ValueError as error:
            raise ValueError(f"{name}-data: must be base64 of PEM") from error
    return here / str(file) if file else ""
