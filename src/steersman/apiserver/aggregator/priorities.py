"""In which order group versions are told to clients: what their APIServices say, or else what this server itself holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from steersman.kinds.catalog import LEGACY_GROUP, version_order

Key = tuple[str, str]
"""A group and a version."""
V = TypeVar("V")


class Priority(NamedTuple):
    """Of a group, and of a version in it. The higher ones come first."""

    group: int
    version: int


CUSTOM = Priority(1000, 100)
# Always the first: it is what decides about all others, and has no APIService of its own.
REGISTRATION = "apiregistration.k8s.io"

_GROUPS: Mapping[str, int] = {
    "": 18000, REGISTRATION: 20001, "apps": 17800, "events.k8s.io": 17750, "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600, "autoscaling": 17500, "batch": 17400, "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200, "policy": 17100, "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800, "apiextensions.k8s.io": 16700, "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600, "coordination.k8s.io": 16500, "node.k8s.io": 16300, "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100, "internal.apiserver.k8s.io": 16000, "resource.k8s.io": 15900,
    "storagemigration.k8s.io": 15800, "lifecycle.k8s.io": 15700,
    # Whatever is in it is meant to be found elsewhere first.
    LEGACY_GROUP: 100,
}  # fmt: skip
# Where these are not what follows from the version's name.
_VERSIONS: Mapping[Key, int] = {
    ("", "v1"): 1,
    ("events.k8s.io", "v1beta1"): 5,
    ("rbac.authorization.k8s.io", "v1beta1"): 12,
    ("admissionregistration.k8s.io", "v1beta1"): 12,
    ("admissionregistration.k8s.io", "v1alpha1"): 9,
    ("coordination.k8s.io", "v1beta1"): 13,
    ("coordination.k8s.io", "v1alpha2"): 12,
    ("discovery.k8s.io", "v1beta1"): 12,
    ("internal.apiserver.k8s.io", "v1alpha1"): 9,
    ("storagemigration.k8s.io", "v1beta1"): 9,
}
_STABLE, _BETA, _ALPHA = range(3)


def builtin(group: str, version: str) -> Priority:
    """The priority of one of the server's own group versions."""
    of_version = _VERSIONS.get((group, version))
    if of_version is None:
        stage, number, step, _ = version_order(version)
        # Those of later numbers first, as everywhere; a stable version before every other of its group.
        base = {_STABLE: 15, _BETA: 8, _ALPHA: 0}.get(stage, 1)
        of_version = base * -number if stage == _STABLE else base - step
    return Priority(_GROUPS.get(group, CUSTOM.group), of_version)


def arrange(groups: Mapping[str, Mapping[str, V]], told: Mapping[Key, Priority]) -> dict[str, dict[str, V]]:
    """Groups and their versions in the order of discovery. `told` is what APIServices say; where there is none (yet), a
    group of Kubernetes has its own place and any other that of custom resources."""

    def priority(group: str, version: str) -> Priority:
        found = told.get((group, version))
        if found is None:
            found = builtin(group, version) if group in _GROUPS else CUSTOM
        return found

    def place(group: str) -> tuple[int, str]:
        if group in ("", REGISTRATION):
            return -_GROUPS[REGISTRATION] - (not group), group
        return -max(priority(group, version).group for version in groups[group]), group

    ordered: dict[str, dict[str, V]] = {}
    for group in sorted((g for g in groups if groups[g]), key=place):
        versions = groups[group]
        names = sorted(versions, key=lambda v: (-priority(group, v).version, version_order(v)))
        ordered[group] = {version: versions[version] for version in names}
    return ordered


def name_of(key: Key) -> str:
    """The name of the APIService of a group version."""
    return f"{key[1]}.{key[0]}"


def registered(keys: Iterable[Key]) -> dict[str, tuple[Key, Priority]]:
    """By name, the APIServices that the server's own group versions have."""
    return {name_of(k): (k, builtin(*k)) for k in keys if k[0] != REGISTRATION}
