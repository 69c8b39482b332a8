"""The watches of one cache, grouped so that a change is looked at once per selection and encoded once per encoder."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.apiserver.backlog import Backlog
from steersman.apiserver.cached import NAME, Cached, Change, Selection, transition
from steersman.apiserver.watchstream import Encoder, WatchStream


class Group:
    """The streams of equal selections with the same encoder."""

    __slots__ = ("encode", "streams", "wanted")

    def __init__(self, wanted: Selection, encode: Encoder) -> None:
        self.wanted = wanted
        self.encode = encode
        self.streams: set[WatchStream] = set()


class Watchers:
    """All groups, and which of them a change may concern.

    A selection that fixes a field (a kubelet's `spec.nodeName`, somebody's `metadata.name`) is only looked
    at for changes of objects with that value: a thousand kubelets cost a change of a pod what one costs.
    """

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._groups: dict[tuple[Selection, Encoder], Group] = {}
        # By field and value, and else by namespace ("" for all).
        self._pinned: dict[str, dict[str, list[Group]]] = {}
        self._broad: dict[str, list[Group]] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(tuple(self._groups.values()))

    def group(self, wanted: Selection, encode: Encoder) -> Group:
        """The group of these, made if it is missing; it is forgotten when its last stream leaves."""
        group = self._groups.get((wanted, encode))
        if group is None:
            group = self._groups[wanted, encode] = Group(wanted, encode)
            shelves, mark = self._shelves(wanted)
            shelves.setdefault(mark, []).append(group)
        return group

    def leave(self, group: Group, stream: WatchStream) -> None:
        """Takes a stream that ended out of its group."""
        group.streams.discard(stream)
        if group.streams or self._groups.get((group.wanted, group.encode)) is not group:
            return
        del self._groups[group.wanted, group.encode]
        shelves, mark = self._shelves(group.wanted)
        shelves[mark].remove(group)
        if not shelves[mark]:
            del shelves[mark]

    def close(self) -> None:
        """Ends all streams."""
        for group in self:
            for stream in tuple(group.streams):
                stream.close()

    def finish(self) -> None:
        """Ends all streams when they have been read."""
        for group in self:
            for stream in tuple(group.streams):
                stream.finish()

    def deliver(self, change: Change) -> None:
        """Queues a change with every stream that it is something to."""
        # The type says which state of the object a line carries, so that groups can share it.
        lines: dict[tuple[Encoder, str], bytes] = {}
        for group in self._concerned(change):
            told = transition(group.wanted, change)
            if told is None:
                continue
            shared = group.encode, told[0]
            line = lines.get(shared)
            if line is None:
                line = lines[shared] = group.encode(*told)
            for stream in tuple(group.streams):
                stream.offer(line, change.revision)
        for line in lines.values():
            self._backlog.add(len(line))

    def _shelves(self, wanted: Selection) -> tuple[dict[str, list[Group]], str]:
        """Where the group of a selection is looked up, and under what."""
        pin = wanted.pin
        if pin is None:
            return self._broad, wanted.namespace
        return self._pinned.setdefault(pin[0], {}), pin[1]

    def _concerned(self, change: Change) -> list[Group]:
        states = [state for state in (change.previous, change.current) if state is not None]
        groups: list[Group] = []
        for namespace in {"", *(state.namespace for state in states)}:
            groups += self._broad.get(namespace, ())
        for name, shelves in self._pinned.items():
            if shelves:
                for value in {_field(state, name) for state in states}:
                    groups += shelves.get(value, ())
        return groups


def _field(item: Cached, name: str) -> str:
    """A selectable field; the name is known without reading the object."""
    return item.name if name == NAME else item.fields.get(name, "")
