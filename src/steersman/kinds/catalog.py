"""Finds every kind: each module `kinds/<group>/<kind>.py` exports `KIND` (or `KINDS`), and is listed nowhere else."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import steersman.kinds
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Served

# The order of API groups in discovery, which decides what a short name means to a client.
GROUP_ORDER = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling",
    "batch", "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io",
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io",
    "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io",
    "storagemigration.k8s.io", "lifecycle.k8s.io",
)  # fmt: skip

# Everything in it has moved into other groups.
LEGACY_GROUP = "extensions"


@dataclass(frozen=True)
class Catalog:
    """All kinds, frozen. Lookups give None for what does not exist."""

    kinds: tuple[Kind[Any], ...]

    @cached_property
    def served(self) -> tuple[Served, ...]:
        """Every kind at every version, in the order of discovery."""
        return tuple(sorted((s for k in self.kinds for s in k.served()), key=lambda s: order(s.resource)))

    @cached_property
    def _by_path(self) -> dict[tuple[str, str, str], Served]:
        return {(s.resource.group, s.resource.version, s.resource.plural): s for s in self.served}

    @cached_property
    def _by_gvk(self) -> dict[tuple[str, str, str], Served]:
        return {(s.resource.group, s.resource.version, s.resource.kind): s for s in self.served}

    def find(self, group: str, version: str, plural: str) -> Served | None:
        return self._by_path.get((group, version, plural))

    def find_kind(self, group: str, version: str, kind: str) -> Served | None:
        return self._by_gvk.get((group, version, kind))

    def groups(self, *, all_versions: bool = False) -> dict[str, tuple[str, ...]]:
        """The API groups in discovery's order, with their versions, the preferred one first.

        Without `all_versions`, only what is served by default.
        """
        out: dict[str, dict[str, None]] = {}
        for served in self.served:
            if served.served_by_default or all_versions:
                out.setdefault(served.resource.group, {})[served.resource.version] = None
        return {group: tuple(versions) for group, versions in out.items()}

    def resources(self, group: str, version: str) -> Iterator[Served]:
        """What a group version holds, by plural name."""
        return (s for s in self.served if (s.resource.group, s.resource.version) == (group, version))


def order(resource: Resource) -> tuple[Any, ...]:
    """Resources in the order of discovery: the server's own groups first, then others by name."""
    group = GROUP_ORDER.index(resource.group) if resource.group in GROUP_ORDER else len(GROUP_ORDER)
    if resource.group == LEGACY_GROUP:
        group += 1
    return group, resource.group, version_order(resource.version), resource.plural


_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STAGES = {None: 0, "beta": 1, "alpha": 2}


def version_order(version: str) -> tuple[int, int, int, str]:
    """Newest stable version first, then beta, then alpha; then versions of other names, by their letters."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return len(_STAGES), 0, 0, version
    return _STAGES[found[2]], -int(found[1]), -int(found[3] or 0), ""


def load() -> Catalog:
    """Imports every kind's module and collects what they export. Does not load the kinds' types."""
    return Catalog(tuple(_discover()))


def _discover() -> Iterable[Kind[Any]]:
    for group in pkgutil.iter_modules(steersman.kinds.__path__, "steersman.kinds."):
        if not group.ispkg or group.name == "steersman.kinds.types":
            continue
        package = import_module(group.name)
        for found in pkgutil.iter_modules(package.__path__, group.name + "."):
            # A kind's file bears its name; an underscore marks a part of it that is loaded on its own.
            if "_" not in found.name.rpartition(".")[2]:
                yield from _exported(import_module(found.name))


def _exported(module: Any) -> Iterable[Kind[Any]]:
    kinds = getattr(module, "KINDS", None)
    if kinds is None:
        kind = getattr(module, "KIND", None)
        kinds = () if kind is None else (kind,)
    return kinds
