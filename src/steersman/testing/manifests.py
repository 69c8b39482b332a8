"""Manifests as tests write them: YAML texts or mappings, any number of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def documents(manifests: Iterable[str | Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every object of the manifests, a List's items one by one; empty documents are left out."""
    for manifest in manifests:
        if isinstance(manifest, str):
            from steersman.api import yaml

            yield from documents(found for found in yaml.load_all(manifest) if found)
        elif "items" in manifest:
            yield from documents(manifest["items"])
        else:
            yield manifest
