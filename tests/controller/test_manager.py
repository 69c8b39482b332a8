"""Workers: what becomes of a reconcile's answer and of its errors."""

import asyncio

import msgspec
import pytest

from steersman.api.clock import FakeClock
from steersman.api.http import Response
from steersman.client.rest import Client
from steersman.controller.declaration import Controller, own, owned
from steersman.controller.manager import Manager
from steersman.kinds.types.apps_v1 import ReplicaSet
from steersman.kinds.types.core_v1 import Node, Pod


class Server:
    """Answers lists with what it has and watches with what is pushed."""

    def __init__(self):
        self.items = {"nodes": [], "pods": [], "replicasets": []}
        self.pushed = {name: asyncio.Queue() for name in self.items}

    async def send(self, request, *, stream=False):
        name = request.path.rpartition("/")[2]
        if not stream:
            body = {"metadata": {"resourceVersion": "1"}, "items": self.items[name]}
            return Response(200, {}, msgspec.json.encode(body))

        async def body():
            while True:
                yield msgspec.json.encode(await self.pushed[name].get()) + b"\n"

        return Response(200, {}, body())

    async def close(self):
        self.items.clear()


def obj(name, version=1, **meta):
    return {"metadata": {"name": name, "resourceVersion": str(version), **meta}}


class Recorder:
    """A reconciler that answers by a script: a number, None, or an exception."""

    def __init__(self):
        self.calls, self.script = [], []

    async def reconcile(self, key):
        self.calls.append(key)
        answer = self.script.pop(0) if self.script else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    def __init__(self, *watches):
        self.server, self.clock, self.reconciler = Server(), FakeClock(), Recorder()
        controller = Controller("test", lambda _: self.reconciler, watches or (own(Node),))
        self.manager = Manager(Client(self.server), [controller], self.clock)

    async def __aenter__(self):
        self.task = asyncio.ensure_future(self.manager.run())
        await self.manager.wait_started()
        await self.clock.advance(0)
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def push(self, resource, type_, body):
        self.server.pushed[resource].put_nowait({"type": type_, "object": body})
        await self.clock.advance(0)


async def test_every_object_is_reconciled_and_again_when_it_changes():
    world = World()
    world.server.items["nodes"] = [obj("a"), obj("b")]
    async with world:
        assert world.reconciler.calls == ["a", "b"]
        await world.push("nodes", "MODIFIED", obj("a", 2))
        await world.push("nodes", "DELETED", obj("b", 3))
        assert world.reconciler.calls == ["a", "b", "a", "b"]
        assert world.manager.idle


async def test_an_answer_brings_it_back_later():
    world = World()
    world.reconciler.script = [30.0]
    world.server.items["nodes"] = [obj("a")]
    async with world:
        await world.clock.advance(29)
        assert world.reconciler.calls == ["a"]
        await world.clock.advance(2)
        assert world.reconciler.calls == ["a", "a"]


async def test_errors_are_tried_again_and_end_nothing(caplog):
    world = World()
    world.reconciler.script = [ValueError("one"), ValueError("two")]
    world.server.items["nodes"] = [obj("a")]
    async with world:
        await world.clock.advance(1)
        assert world.reconciler.calls == ["a", "a", "a"]
        assert "one" in caplog.text
        assert not world.task.done()


async def test_changes_that_do_not_matter_are_ignored():
    world = World(own(Node, lambda old, new: old.metadata.labels != new.metadata.labels))
    world.server.items["nodes"] = [obj("a")]
    async with world:
        await world.push("nodes", "MODIFIED", obj("a", 2))
        assert world.reconciler.calls == ["a"]
        await world.push("nodes", "MODIFIED", obj("a", 3, labels={"x": "y"}))
        assert world.reconciler.calls == ["a", "a"]


@pytest.mark.parametrize(
    ("kind", "version", "keys"),
    [("ReplicaSet", "apps/v1", ["ns/rs"]), ("ReplicaSet", "other/v1", []), ("Job", "apps/v1", [])],
)
async def test_owned_objects_concern_their_controller(kind, version, keys):
    world = World(owned(Pod, ReplicaSet))
    ref = {"apiVersion": version, "kind": kind, "name": "rs", "uid": "u", "controller": True}
    world.server.items["pods"] = [obj("p", namespace="ns", ownerReferences=[ref])]
    async with world:
        assert world.reconciler.calls == keys


async def test_who_cannot_begin_holds_up_nobody_for_long():
    """What one controller needs may be unreadable; then the others work, and who waits is told."""
    world = World()
    world.server.items["nodes"] = [obj("a")]
    async with world:
        stuck = Controller("stuck", lambda _: Recorder(), (own(Node),))
        manager = Manager(Client(world.server), [stuck], world.clock)
        waiting = asyncio.ensure_future(manager.wait_started(10))
        await world.clock.advance(0)
        await world.clock.advance(9)
        assert not waiting.done()
        await world.clock.advance(2)
        assert await waiting == ["stuck"]
        assert await world.manager.wait_started(10) == []
