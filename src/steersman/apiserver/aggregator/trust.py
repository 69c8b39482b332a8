"""What aggregated API servers must know of this one: whom to trust, published where they can read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from steersman.apiserver.config import ServerConfig

NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"
_LISTS = (
    "requestheader-allowed-names", "requestheader-extra-headers-prefix", "requestheader-group-headers",
    "requestheader-uid-headers", "requestheader-username-headers",
)  # fmt: skip
_CERTIFICATES = ("client-ca-file", "requestheader-client-ca-file")


def published(config: ServerConfig) -> dict[str, str]:
    """The data of the ConfigMap; empty when no authority is known."""
    data = {}
    if config.client_ca is not None:
        data["client-ca-file"] = _text(config.client_ca)
    proxy = config.front_proxy
    if proxy is not None:
        values = (
            proxy.allowed_names, proxy.extra_prefixes, proxy.group_headers, proxy.uid_headers, proxy.username_headers
        )  # fmt: skip
        data |= {name: _json(found) for name, found in zip(_LISTS, values, strict=True)}
        data["requestheader-client-ca-file"] = _text(proxy.ca)
    return data


def renewed(before: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What is published from now on, where `before` was: ours alone, so that nobody trusts an authority for longer than we do.

    One server has the store, so that nobody else's word is here; what is called otherwise than ours is left alone.
    """
    return {**{name: value for name, value in before.items() if name not in (*_LISTS, *_CERTIFICATES)}, **own}


def _text(file: Path) -> str:
    return file.read_text()


def _json(values: Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode()
