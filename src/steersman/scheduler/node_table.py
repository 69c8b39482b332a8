"""The cluster as arrays: a row per node, a column per resource. Changed by events and assumed placements, read by plugins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from steersman.kinds.core.host_ports import HostPort
from steersman.kinds.core.pod_resources import same_requests
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.types.core_v1 import Node, Pod, Taint
from steersman.scheduler.pod_info import PodInfo, amount, describe

Mask: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
TaintKey = tuple[str, str, str]

CPU, MEMORY, STORAGE, PODS = range(4)
_FIXED = ("cpu", "memory", "ephemeral-storage", "pods")
_FIRST_ROWS = 16


class NodeTable:
    """Rows are reused after a node goes; `valid` tells which count. All methods are plain functions of memory.

    Invariants: `requested[row]` is the sum over `pods` of that row, pods assumed but not yet bound included; a pod is in
    one row at the most.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.nodes: list[Node | None] = []
        self.row_of: dict[str, int] = {}
        self.columns: dict[str, int] = {name: i for i, name in enumerate(_FIXED)}
        self.valid: Mask = np.zeros(_FIRST_ROWS, bool)
        self.unschedulable: Mask = np.zeros(_FIRST_ROWS, bool)
        self.allocatable: Ints = np.zeros((_FIRST_ROWS, len(_FIXED)), np.int64)
        self.requested: Ints = np.zeros((_FIRST_ROWS, len(_FIXED)), np.int64)
        self.nonzero: Ints = np.zeros((_FIRST_ROWS, 2), np.int64)
        self.pod_count: Ints = np.zeros(_FIRST_ROWS, np.int64)
        # How many placements this scheduler made on the node: the first tie-break, so that equal nodes take turns.
        self.placements: Ints = np.zeros(_FIRST_ROWS, np.int64)
        self.taint_class: NDArray[np.int32] = np.zeros(_FIRST_ROWS, np.int32)
        self.taint_classes: list[tuple[Taint, ...]] = [()]
        self._taint_ids: dict[tuple[TaintKey, ...], int] = {(): 0}
        self.host_ports: dict[int, dict[HostPort, int]] = {}
        self._free: list[int] = []
        self._pods: dict[str, tuple[int, PodInfo]] = {}
        # Pods of nodes that are not (or no longer) known, by node name: they count as soon as the node appears.
        self._homeless: dict[str, dict[str, PodInfo]] = {}
        self._waits_for: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.row_of)

    # Nodes.

    def set_node(self, node: Node) -> None:
        """Add the node or take its new version."""
        name = node.metadata.name
        row = self.row_of.get(name)
        if row is None:
            row = self._new_row(name)
        self.nodes[row] = node
        self.unschedulable[row] = bool(node.spec.unschedulable)
        self.taint_class[row] = self._class_of(node.spec.taints or [])
        self.allocatable[row] = 0
        for resource, value in (node.status.allocatable or {}).items():
            # The column first: a new one replaces the array.
            column = self.column(resource)
            self.allocatable[row, column] = amount(resource, value)
        for uid, info in self._homeless.pop(name, {}).items():
            del self._waits_for[uid]
            self._add(row, info)

    def remove_node(self, name: str) -> None:
        row = self.row_of.pop(name, None)
        if row is None:
            return
        for uid, info in [(uid, info) for uid, (r, info) in self._pods.items() if r == row]:
            self._drop(uid)
            self._wait(info, name)
        self.valid[row] = False
        self.unschedulable[row] = False
        self.allocatable[row] = 0
        self.nodes[row] = None
        self.placements[row] = 0
        self._free.append(row)

    def _new_row(self, name: str) -> int:
        if self._free:
            row = self._free.pop()
            self.names[row] = name
        else:
            row = len(self.names)
            self.names.append(name)
            self.nodes.append(None)
            if row >= len(self.valid):
                self._grow()
        self.row_of[name] = row
        self.valid[row] = True
        return row

    def _grow(self) -> None:
        for field in (
            "valid",
            "unschedulable",
            "allocatable",
            "requested",
            "nonzero",
            "pod_count",
            "placements",
            "taint_class",
        ):
            array = getattr(self, field)
            setattr(self, field, np.concatenate([array, np.zeros_like(array)]))

    def column(self, resource: str) -> int:
        """The column of a resource, added when it is new."""
        column = self.columns.get(resource)
        if column is None:
            column = self.columns[resource] = len(self.columns)
            blank = np.zeros((len(self.valid), 1), np.int64)
            self.allocatable = np.hstack([self.allocatable, blank])
            self.requested = np.hstack([self.requested, blank])
        return column

    def _class_of(self, taints: Iterable[Taint]) -> int:
        """Nodes with the same taints are judged together."""
        taints = tuple(taints)
        key = tuple(sorted((t.key, t.value, t.effect) for t in taints))
        known = self._taint_ids.get(key)
        if known is None:
            known = self._taint_ids[key] = len(self.taint_classes)
            self.taint_classes.append(taints)
        return known

    # Pods.

    def set_pod(self, pod: Pod) -> bool:
        """Count a pod that has a node, wherever it counted before; one that has ended counts no more.

        Returns whether it counted before as something else, so that there may be room now.
        """
        uid, node = pod.metadata.uid, pod.spec.nodeName
        known = self._pods.get(uid)
        if is_terminal(pod):
            self.remove_pod(uid)
            return known is not None
        if known is not None and self.names[known[0]] == node and same_requests(known[1].pod, pod):
            return False
        self.remove_pod(uid)
        self.assume(describe(pod), node)
        return known is not None

    def assume(self, info: PodInfo, node: str) -> None:
        """Count a pod that counted nowhere on a node from now on."""
        row = self.row_of.get(node)
        if row is None:
            self._wait(info, node)
        else:
            self._add(row, info)

    def remove_pod(self, uid: str) -> None:
        """Stop counting a pod. Idempotent."""
        if uid in self._pods:
            self._drop(uid)
            return
        node = self._waits_for.pop(uid, None)
        if node is not None:
            waiting = self._homeless[node]
            del waiting[uid]
            if not waiting:
                del self._homeless[node]

    def node_of(self, uid: str) -> str | None:
        """The known node that the pod counts on."""
        known = self._pods.get(uid)
        return self.names[known[0]] if known else None

    def _wait(self, info: PodInfo, node: str) -> None:
        self._homeless.setdefault(node, {})[info.uid] = info
        self._waits_for[info.uid] = node

    def _add(self, row: int, info: PodInfo) -> None:
        self._pods[info.uid] = (row, info)
        self._count(row, info, 1)

    def _drop(self, uid: str) -> None:
        row, info = self._pods.pop(uid)
        self._count(row, info, -1)

    def _count(self, row: int, info: PodInfo, sign: int) -> None:
        for resource, value in info.requests.items():
            column = self.column(resource)
            self.requested[row, column] += sign * value
        self.nonzero[row, 0] += sign * info.nonzero[0]
        self.nonzero[row, 1] += sign * info.nonzero[1]
        self.pod_count[row] += sign
        if info.host_ports:
            used = self.host_ports.setdefault(row, {})
            for port in info.host_ports:
                used[port] = used.get(port, 0) + sign
                if not used[port]:
                    del used[port]
