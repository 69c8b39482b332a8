"""Who owns whom in the whole cluster: the garbage collector's picture, fed by informers. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from steersman.api.meta import Resource
from steersman.client.metadata import PartialObject, PartialOwner
from steersman.kinds.finalizers import FOREGROUND, ORPHAN


@dataclass(frozen=True, slots=True)
class Node:
    """One object and where it is found."""

    resource: Resource
    object: PartialObject

    @property
    def uid(self) -> str:
        return self.object.metadata.uid

    @property
    def owners(self) -> list[PartialOwner]:
        return self.object.metadata.ownerReferences or []

    @property
    def deleting(self) -> bool:
        return bool(self.object.metadata.deletionTimestamp)

    def has(self, finalizer: str) -> bool:
        return finalizer in (self.object.metadata.finalizers or ())

    @property
    def waits_for_dependents(self) -> bool:
        """Whether it is being deleted in the foreground: after its dependents."""
        return self.deleting and self.has(FOREGROUND)

    @property
    def orphans_dependents(self) -> bool:
        return self.deleting and self.has(ORPHAN)

    def may_own(self, other: Node) -> bool:
        """Whether another object can belong to it: namespaced ones own nothing outside of their namespace, whatever others say."""
        return self.object.metadata.namespace in ("", other.object.metadata.namespace)

    def blocks(self, owner_uid: str) -> bool:
        """Whether the owner's foreground deletion must wait for this object."""
        return any(ref.uid == owner_uid and ref.blockOwnerDeletion for ref in self.owners)


class Graph:
    """Objects by uid and their dependents. `suspect(uid)` is called for each object that may have something to be done."""

    def __init__(self, suspect: Callable[[str], None]) -> None:
        self._suspect = suspect
        self._nodes: dict[str, Node] = {}
        # Dependents of every owner that is referred to, whether it exists or not.
        self._dependents: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    def dependents(self, uid: str) -> list[Node]:
        owner = self._nodes.get(uid)
        found = [self._nodes[d] for d in sorted(self._dependents.get(uid, ())) if d in self._nodes]
        return found if owner is None else [d for d in found if owner.may_own(d)]

    def change(self, resource: Resource, old: PartialObject | None, new: PartialObject | None) -> None:
        """An informer's news."""
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._remove(Node(resource, old))
            old = None
        if new is not None:
            self._put(Node(resource, old) if old is not None else None, Node(resource, new))

    def _put(self, old: Node | None, new: Node) -> None:
        uid = new.uid
        self._nodes[uid] = new
        before = old.owners if old is not None else []
        if before != new.owners:
            for ref in before:
                self._unlink(ref.uid, uid)
            for ref in new.owners:
                self._dependents.setdefault(ref.uid, set()).add(uid)
            # An owner that waits for its dependents may have lost one, or one that blocked it.
            self._tell_waiting(before)
        if new.orphans_dependents or new.waits_for_dependents:
            self._suspect(uid)
            if old is None or not old.waits_for_dependents:
                self._tell(self._dependents.get(uid, ()))
        if self._needs_look(new):
            self._suspect(uid)

    def _needs_look(self, node: Node) -> bool:
        """Whether an owner is unknown or is being deleted in the foreground."""
        if node.deleting:
            return False
        for ref in node.owners:
            owner = self._nodes.get(ref.uid)
            if owner is None or owner.waits_for_dependents or not owner.may_own(node):
                return True
        return False

    def _remove(self, node: Node) -> None:
        self._nodes.pop(node.uid, None)
        for ref in node.owners:
            self._unlink(ref.uid, node.uid)
        self._tell_waiting(node.owners)
        self._tell(self._dependents.get(node.uid, ()))

    def _unlink(self, owner: str, dependent: str) -> None:
        found = self._dependents.get(owner)
        if found is not None:
            found.discard(dependent)
            if not found:
                del self._dependents[owner]

    def _tell_waiting(self, owners: Iterable[PartialOwner]) -> None:
        for ref in owners:
            owner = self._nodes.get(ref.uid)
            if owner is not None and owner.waits_for_dependents:
                self._suspect(owner.uid)

    def _tell(self, uids: Iterable[str]) -> None:
        for uid in list(uids):
            self._suspect(uid)
