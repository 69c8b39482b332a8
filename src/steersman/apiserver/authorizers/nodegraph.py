"""What the pods of a node open to it. Pods are known by node; what they refer to is read when the node first asks for something,
and again when its pods have changed: a cluster without such requests pays nothing, and a pod costs its place in a set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from steersman.apiserver.authorizers import references
from steersman.apiserver.authorizers.references import CLAIM, SECRET, Reference
from steersman.apiserver.cached import Cached
from steersman.store.protocol import Event

PODS = "/registry/core/pods/"

# What of a pod may still change that it refers to.
_CHANGING = (b'"resourceClaimStatuses":', b'"extendedResourceClaimStatus":', b'"ephemeralContainers":')


class Objects(Protocol):
    """The objects as they are now, by group and plural. What cannot be read is not there."""

    def get(self, group: str, plural: str, namespace: str, name: str) -> Cached | None: ...

    def list(self, group: str, plural: str) -> Sequence[Cached]: ...


class _ClaimSpec(msgspec.Struct):
    volumeName: str = ""


class _Claim(msgspec.Struct):
    spec: _ClaimSpec


_decode_claim = msgspec.json.Decoder(_Claim).decode


class NodeGraph:
    """Answers whether something is open to a node."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._pods: dict[str, set[str]] | None = None
        """The keys of the pods of each node; None until somebody asks."""
        self._open: dict[str, set[Reference]] = {}
        """What they refer to, for nodes that have asked."""
        self._unread: dict[str, list[bytes]] = {}
        """Pods that have come to such nodes since: a commit waits for no more than where they belong."""

    def changed(self, events: Iterable[Event]) -> None:
        """Pods were written."""
        if self._pods is None:
            return
        for event in events:
            if isinstance(event.previous, bytes) and not event.value:
                self._remove(references.node_of(event.previous), event.key)
            elif event.value and isinstance(event.value, bytes):
                self._take(references.node_of(event.value), event)

    def _remove(self, node: str, key: str) -> None:
        pods = (self._pods or {}).get(node)
        if self._pods is not None and pods is not None and key in pods:
            pods.remove(key)
            self._forget(node)
            if not pods:
                del self._pods[node]

    def _forget(self, node: str) -> None:
        self._open.pop(node, None)
        self._unread.pop(node, None)

    def _take(self, node: str, event: Event) -> None:
        if not node or self._pods is None:
            return
        pods = self._pods.setdefault(node, set())
        if event.key not in pods:
            pods.add(event.key)
            if node in self._open:
                self._unread.setdefault(node, []).append(event.value)
        elif node in self._open:
            before = event.previous if isinstance(event.previous, bytes) else b""
            # What is no longer referred to was there before.
            if any(word in event.value or word in before for word in _CHANGING):
                self._forget(node)

    def _references(self, node: str) -> set[Reference]:
        if self._pods is None:
            self._pods = {}
            for pod in self._objects.list("", "pods"):
                name = references.node_of(pod.value)
                if name:
                    self._pods.setdefault(name, set()).add(pod.key)
        found = self._open.get(node)
        if found is not None:
            for value in self._unread.pop(node, ()):
                found |= references.of_pod(value)
        else:
            found = set()
            for key in self._pods.get(node, ()):
                namespace, _, name = key.removeprefix(PODS).partition("/")
                stored = self._objects.get("", "pods", namespace, name)
                # Another pod of that name may be another node's.
                if stored is not None and references.node_of(stored.value) == node:
                    found |= references.of_pod(stored.value)
            if self._pods.get(node):
                self._open[node] = found
        return found

    # Questions

    def refers(self, node: str, plural: str, namespace: str, name: str) -> bool:
        """Whether a pod of the node refers to the object, or uses a claim whose volume has this secret."""
        known = self._references(node)
        if (plural, namespace, name) in known:
            return True
        if plural != SECRET:
            return False
        volumes = (self._volume_of(n, c) for p, n, c in known if p == CLAIM)
        return any((plural, namespace, name) in references.of_volume(v.value) for v in volumes if v is not None)

    def uses_volume(self, node: str, name: str) -> bool:
        """Whether a pod of the node uses the claim that the persistent volume is bound to."""
        volume = self._objects.get("", "persistentvolumes", "", name)
        claim = references.claim_of(volume.value) if volume is not None else None
        return claim is not None and (CLAIM, *claim) in self._references(node)

    def _volume_of(self, namespace: str, claim: str) -> Cached | None:
        """The volume that is bound to a claim, if both say so."""
        stored = self._objects.get("", CLAIM, namespace, claim)
        name = _decode_claim(stored.value).spec.volumeName if stored is not None else ""
        volume = self._objects.get("", "persistentvolumes", "", name) if name else None
        return volume if volume is not None and references.claim_of(volume.value) == (namespace, claim) else None

    def is_of(self, node: str, group: str, plural: str, namespace: str, name: str) -> bool:
        """Whether the object's spec.nodeName is the node."""
        stored = self._objects.get(group, plural, namespace, name)
        return stored is not None and references.node_of(stored.value) == node
