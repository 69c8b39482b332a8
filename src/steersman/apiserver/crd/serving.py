"""Everything that serves one definition, put together anew whenever the definition changes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from steersman.api import codec
from steersman.apiserver.admission.framework import LOOPBACK, Chain, Environment
from steersman.apiserver.cached import Cached, Describe, Described, describe_metadata
from steersman.apiserver.crd.columns import Selectable
from steersman.apiserver.crd.convert import converter_of
from steersman.apiserver.crd.endpoint import CustomEndpoint
from steersman.apiserver.crd.fieldschema import CustomVersions
from steersman.apiserver.crd.kind import CustomKind, Life, make
from steersman.apiserver.crd.registry import CustomRegistry
from steersman.apiserver.crd.version import Version
from steersman.apiserver.crd.view import View
from steersman.apiserver.frames import Frames
from steersman.apiserver.params import DeleteOptions
from steersman.apiserver.registry import Registry, Write, prefix_of
from steersman.apiserver.watchcache import WatchCache
from steersman.apiserver.webhook.client import WebhookClient
from steersman.kinds.apiextensions import crd_status
from steersman.kinds.catalog import version_order
from steersman.kinds.kind import Served
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition, CustomResourceDefinitionVersion

if TYPE_CHECKING:
    from steersman.apiserver.server import App

Key = tuple[str, str, str]
"""Group, version and plural."""

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Serving:
    """What has come of a definition as it was when this was made."""

    stated: bytes
    """What it said, told by a digest: definitions may be large."""
    cache: WatchCache
    registry: CustomRegistry
    """Objects in the stored version."""
    endpoints: Mapping[Key, CustomEndpoint]
    cleaner: Registry
    """Removes objects without asking anybody."""
    life: Life

    @property
    def served(self) -> list[Served]:
        return [e.served for e in self.endpoints.values()]

    def serves(self, crd: CustomResourceDefinition) -> bool:
        """Whether the definition says what it said before."""
        return self.stated == _stated(crd)

    async def remove_objects(self) -> int:
        """Delete all objects; how many are left, because somebody must finish with them first."""
        items = self.cache.list()
        for start in range(0, len(items), _AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for item in items[start : start + _AT_ONCE]:
                    group.create_task(self._remove(item))
        return self.cache.count()

    async def _remove(self, item: Cached) -> None:
        if self.cache.get(item.namespace, item.name) is not None:
            await self.cleaner.delete(item.namespace, item.name, DeleteOptions(), Write(LOOPBACK))


def _stated(crd: CustomResourceDefinition) -> bytes:
    """A digest of all that serving it depends on."""
    return hashlib.sha256(codec.encode([crd.metadata.uid, crd.spec, crd.status.acceptedNames])).digest()


async def assemble(app: App, crd: CustomResourceDefinition) -> Serving:
    """Make what serves a definition, and load its objects."""
    versions = {v.name: Version(crd, v) for v in crd.spec.versions}
    by_api_version = {v.resource.api_version: v for v in versions.values()}
    storage = versions[crd_status.storage_version(crd).name]
    converter = converter_of(crd, WebhookClient(app.registries, app.backends, app.aggregator.ask))
    life = Life(crd_status.is_terminating(crd))
    kinds = {v.name: make(crd, v, versions[v.name], storage.resource, life) for v in crd.spec.versions}
    fields = Selectable(frozenset().union(*(k.selects.names for k in kinds.values())))
    describe = _describer(by_api_version, fields)
    stored = kinds[storage.name]
    cache = WatchCache(
        app.store, prefix_of(stored), describe, app.clock, resource=storage.resource, backlog=app.backlog
    )

    def registry(kind: CustomKind, chain: Chain) -> CustomRegistry:
        view = View(kind.rules, by_api_version, storage, converter)
        return CustomRegistry(kind, app.store, cache, chain, app.clock, view)

    registries = {name: registry(kind, app.chain) for name, kind in kinds.items()}
    owners = CustomVersions(by_api_version)
    endpoints = {}
    for version in sorted(crd.spec.versions, key=lambda v: version_order(v.name)):
        if version.served:
            endpoint = _endpoint(crd, version, registries[version.name], owners, app.frames)
            resource = endpoint.served.resource
            endpoints[(resource.group, resource.version, resource.plural)] = endpoint
    unasked = Chain((), Environment(app.registries, app.clock))
    serving = Serving(_stated(crd), cache, registries[storage.name], endpoints, registry(stored, unasked), life)
    await cache.start()
    return serving


def _endpoint(
    crd: CustomResourceDefinition,
    version: CustomResourceDefinitionVersion,
    registry: CustomRegistry,
    owners: CustomVersions,
    frames: Frames,
) -> CustomEndpoint:
    served = Served(registry.kind, registry.resource, True, None)
    return CustomEndpoint.make(
        served, registry, _deprecation(crd, version), view=registry.view, versions=owners, frames=frames
    )


def _deprecation(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> tuple[str, ...]:
    if not version.deprecated:
        return ()
    if version.deprecationWarning is not None:
        return (version.deprecationWarning,)
    group, kind = crd.spec.group, crd.spec.names.kind
    text = f"{group}/{version.name} {kind} is deprecated"
    mine = version_order(version.name)
    better = [v.name for v in crd.spec.versions if v.served and not v.deprecated and version_order(v.name) < mine]
    if better:
        text += f"; use {group}/{min(better, key=version_order)} {kind}"
    return (text,)


def _describer(versions: Mapping[str, Version], fields: Selectable) -> Describe:
    """Reads what selectors ask of stored objects."""
    if not fields.names:
        return describe_metadata

    def describe(value: bytes) -> Described:
        plain = msgspec.json.decode(value)
        version = versions.get(plain.get("apiVersion", ""))
        labels = plain["metadata"].get("labels") or {}
        if version is None:
            return labels, fields.read(plain)
        return labels, fields.read(version.stored(plain).content)

    return describe
