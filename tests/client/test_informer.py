"""What an informer makes of lists, watches, gaps and failures."""

import asyncio

import msgspec
import pytest

from steersman.api.clock import FakeClock
from steersman.api.http import Response
from steersman.client.informer import Informer, InformerFactory, by_controller_uid, by_namespace
from steersman.client.rest import Client
from steersman.client.transport import Unreachable
from steersman.kinds.types.core_v1 import Pod

EXPIRED = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "reason": "Expired", "message": "old", "code": 410}


def obj(name, version, **meta):
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "ns", "resourceVersion": str(version), **meta},
    }


def event(type_, body):
    return msgspec.json.encode({"type": type_, "object": body}) + b"\n"


def bookmark(version):
    return event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": str(version)}})


def page(version, *items, after=""):
    return {"metadata": {"resourceVersion": str(version), "continue": after}, "items": list(items)}


async def forever(*chunks):
    for chunk in chunks:
        yield chunk
    await asyncio.get_running_loop().create_future()


class World:
    """An informer over scripted answers, run until the script's last watch stands still."""

    def __init__(self, script, *answers, **options):
        self.clock = FakeClock()
        self.transport = script.transport(*answers)
        self.informer = Informer(Client(self.transport), Pod, self.clock, **options)
        self.told = []
        self.informer.subscribe(self._tell)

    def _tell(self, old, new):
        self.told.append(tuple(o and f"{o.metadata.name}@{o.metadata.resourceVersion}" for o in (old, new)))

    async def __aenter__(self):
        self.task = asyncio.ensure_future(self.informer.run())
        for _ in range(20):
            await self.clock.advance(10)
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_managed_fields_are_not_kept(script):
    entry = {
        "manager": "m",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:x": {}},
    }
    changes = forever(event("ADDED", obj("b", 6, managedFields=[entry])))
    listed = script.answer(200, page(5, obj("a", 3, managedFields=[entry])))
    async with World(script, listed, Response(200, {}, changes), verify=True) as world:
        assert [o.metadata.managedFields for o in world.informer.items()] == [None, None]


async def test_list_then_watch(script):
    changes = forever(event("ADDED", obj("c", 6)), event("MODIFIED", obj("a", 7)), event("DELETED", obj("b", 8)))
    async with World(
        script,
        script.answer(200, page(5, obj("a", 1), after="x")),
        script.answer(200, page(5, obj("b", 2))),
        Response(200, {}, changes),
    ) as world:
        assert world.informer.synced
        assert world.told == [(None, "a@1"), (None, "b@2"), (None, "c@6"), ("a@1", "a@7"), ("b@2", None)]
        assert sorted(world.informer.keys()) == ["ns/a", "ns/c"]
        assert world.informer.version == "8"
        assert world.informer.has_seen("8")
        assert not world.informer.has_seen("10")
        assert "resourceVersion=5" in world.transport.requests[2].query


async def test_a_broken_watch_resumes_from_the_last_bookmark(script):
    async with World(
        script,
        script.answer(200, page(5)),
        script.stream(event("ADDED", obj("a", 6)), bookmark(9)),
        Unreachable("down"),
        Unreachable("down"),
        Response(200, {}, forever()),
    ) as world:
        assert "resourceVersion=9" in world.transport.requests[-1].query
        assert len(world.transport.requests) == 5
        assert world.told == [(None, "a@6")]


async def test_an_expired_watch_lists_again_and_tells_the_differences(script):
    async with World(
        script,
        script.answer(200, page(5, obj("a", 1), obj("b", 2), obj("c", 3))),
        script.stream(event("ERROR", EXPIRED)),
        script.answer(200, page(20, obj("a", 1), obj("c", 15), obj("d", 16))),
        Response(200, {}, forever()),
    ) as world:
        assert world.told[3:] == [("b@2", None), ("c@3", "c@15"), (None, "d@16")]
        assert world.informer.version == "20"


async def test_a_server_that_is_down_at_first(script):
    async with World(
        script, Unreachable("down"), script.answer(500, {}), script.answer(200, page(1)), Response(200, {}, forever())
    ) as world:
        assert world.informer.synced


async def test_indexes_follow_changes(script):
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u1", "controller": True}]
    world = World(
        script,
        script.answer(200, page(5, obj("a", 1, ownerReferences=owner), obj("b", 2))),
        Response(
            200, {}, forever(event("MODIFIED", obj("a", 6)), event("MODIFIED", obj("b", 7, ownerReferences=owner)))
        ),
    )
    world.informer.add_index("controller", by_controller_uid)
    async with world:
        world.informer.add_index("namespace", by_namespace)
        assert [p.metadata.name for p in world.informer.by("controller", "u1")] == ["b"]
        assert len(world.informer.by("namespace", "ns")) == 2
        assert world.informer.by("namespace", "other") == []


async def test_a_late_subscriber_is_told_what_is_there(script):
    async with World(script, script.answer(200, page(5, obj("a", 1))), Response(200, {}, forever())) as world:
        late = []
        world.informer.subscribe(lambda old, new: late.append((old, new.metadata.name)))
        assert late == [(None, "a")]


async def test_changing_a_cached_object_is_found_out(script):
    async with World(
        script, script.answer(200, page(5, obj("a", 1))), Response(200, {}, forever()), verify=True
    ) as world:
        world.informer.check_unchanged()
        world.informer.get("ns/a").metadata.labels = {"oh": "no"}
        with pytest.raises(AssertionError, match="ns/a"):
            world.informer.check_unchanged()


async def test_transform_drops_what_is_not_read(script):
    def drop(pod):
        pod.metadata.annotations = None
        return pod

    async with World(
        script,
        script.answer(200, page(5, obj("a", 1, annotations={"big": "x"}))),
        Response(200, {}, forever()),
        transform=drop,
    ) as world:
        assert world.informer.get("ns/a").metadata.annotations is None


async def test_the_factory_shares_and_starts(script):
    transport = script.transport(script.answer(200, page(5, obj("a", 1))), Response(200, {}, forever()))
    factory = InformerFactory(Client(transport), FakeClock())
    task = asyncio.ensure_future(factory.run())
    await asyncio.sleep(0)
    informer = factory.informer(Pod)
    assert factory.informer(Pod) is informer
    await informer.wait_synced()
    assert informer.get("ns/a") is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
