"""What aggregated API servers must know of this one: whom to trust, published where they can read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from steersman.apiserver.config import ServerConfig
from steersman.apiserver.frontproxy import EXTRA, GROUP, UID, USER

NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"
_LISTS = (
    "requestheader-allowed-names", "requestheader-extra-headers-prefix", "requestheader-group-headers",
    "requestheader-uid-headers", "requestheader-username-headers",
)  # fmt: skip
_CERTIFICATES = ("client-ca-file", "requestheader-client-ca-file")
_END = "-----END CERTIFICATE-----"


def published(config: ServerConfig) -> dict[str, str]:
    """The data of the ConfigMap; empty when no authority is known."""
    data = {}
    if config.client_ca is not None:
        data["client-ca-file"] = _text(config.client_ca)
    proxy = config.front_proxy
    if proxy is not None:
        values: tuple[Iterable[str], ...] = (proxy.allowed_names, (EXTRA,), (GROUP,), (UID,), (USER,))
        data |= {name: _json(found) for name, found in zip(_LISTS, values, strict=True)}
        data["requestheader-client-ca-file"] = _text(proxy.ca)
    return data


def combined(before: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What is published already, and ours: other servers, or this one before its authorities were changed, may still count."""
    out = {**before, **own}
    for name in _LISTS:
        if name in before and name in own:
            out[name] = _json(dict.fromkeys((*_read(before[name]), *_read(own[name]))))
    for name in _CERTIFICATES:
        if name in before and name in own:
            out[name] = "".join(dict.fromkeys((*_blocks(before[name]), *_blocks(own[name]))))
    return out


def _text(file: Path) -> str:
    return file.read_text()


def _json(values: Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _read(text: str) -> list[str]:
    """A list as it was published; nothing when somebody has made something else of it."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        return []


def _blocks(text: str) -> list[str]:
    return [block.strip() + f"\n{_END}\n" for block in text.split(_END) if block.strip()]
