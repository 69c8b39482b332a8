"""Watching: where it begins, what it tells, and how it ends."""

import asyncio
import json

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def told(events: list[dict[str, dict[str, dict[str, str]]]]) -> list[tuple[object, object]]:
    return [(e["type"], e["object"]["metadata"].get("name")) for e in events]


async def test_begins_with_what_is_there(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    await api.post(MAPS, config_map("b"))
    for query in ("watch=1", "watch=true&resourceVersion=0"):
        assert told(await api.watch(f"{MAPS}?{query}", 2)) == [("ADDED", "a"), ("ADDED", "b")]


async def test_goes_on_from_a_version(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    version = (await api.get(MAPS))["metadata"]["resourceVersion"]
    made = await api.post(MAPS, config_map("b"))
    await api.patch(f"{MAPS}/a", {"data": {"x": "y"}})
    await api.delete(f"{MAPS}/b")
    events = await api.watch(f"{MAPS}?watch=1&resourceVersion={version}", 3)
    assert told(events) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    assert events[0]["object"] == made
    assert int(events[2]["object"]["metadata"]["resourceVersion"]) == api.app.store.revision


async def test_what_comes_later(api: Api) -> None:
    version = api.app.store.revision
    watching = asyncio.ensure_future(api.watch(f"{MAPS}?watch=1&resourceVersion={version}", 1))
    await asyncio.sleep(0)
    await api.post(MAPS, config_map("a"))
    assert told(await watching) == [("ADDED", "a")]


async def test_objects_enter_and_leave_a_selection(api: Api) -> None:
    version = api.app.store.revision
    await api.post(PODS, pod("a"))
    await api.post(f"{PODS}/a/binding", {"target": {"name": "n"}})
    query = f"watch=1&resourceVersion={version}"
    assert told(await api.watch(f"{PODS}?{query}&fieldSelector=spec.nodeName=n", 1)) == [("ADDED", "a")]
    assert told(await api.watch(f"{PODS}?{query}&fieldSelector=spec.nodeName=", 2)) == [
        ("ADDED", "a"),
        ("DELETED", "a"),
    ]


async def test_initial_events_end_with_a_bookmark(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    events = await api.watch(f"{MAPS}?{query}", 2)
    assert told(events) == [("ADDED", "a"), ("BOOKMARK", None)]
    mark = events[1]["object"]
    assert (mark["kind"], mark["apiVersion"]) == ("ConfigMap", "v1")
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark["metadata"]["resourceVersion"]) == api.app.store.revision


async def test_one_object(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    await api.post(MAPS, config_map("b"))
    assert told(await api.watch(f"{MAPS}?watch=1&fieldSelector=metadata.name=b", 1)) == [("ADDED", "b")]
    assert told(await api.watch("/api/v1/watch/namespaces/default/configmaps/b", 1)) == [("ADDED", "b")]


async def test_tables(api: Api) -> None:
    await api.post(PODS, pod("a"))
    (event,) = await api.watch(f"{PODS}?watch=1", 1, TABLE)
    assert event["type"] == "ADDED"
    assert event["object"]["kind"] == "Table"
    assert event["object"]["rows"][0]["cells"][0] == "a"
    assert event["object"]["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_a_forgotten_version_is_an_error_event(api: Api) -> None:
    version = api.app.store.revision
    for i in range(3):
        await api.post(MAPS, config_map(f"m{i}"))
    await api.app.store.compact(api.app.store.revision)
    registry = api.app.registries.find("", "configmaps")
    assert registry is not None
    registry.cache._window.clear()
    registry.cache._window_start = api.app.store.revision
    (event,) = await api.watch(f"{MAPS}?watch=1&resourceVersion={version}", 1)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_ends_when_its_time_is_up(api: Api) -> None:
    async def read() -> list[bytes]:
        response = await api.raw("GET", f"{MAPS}?watch=1&timeoutSeconds=5")
        assert not isinstance(response.body, bytes)
        return [chunk async for chunk in response.body]

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(api.app.run())
        reading = group.create_task(read())
        await asyncio.sleep(0)
        for _ in range(7):
            await api.clock.advance(1)
        assert await reading == []
        serving.cancel()
    assert api.app.metrics.watches == 0


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("sendInitialEvents=true", 422, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("resourceVersionMatch=NotOlderThan", 422, "is forbidden for watch unless sendInitialEvents is provided"),
        ("fieldSelector=foo=x", 400, "is not a known field selector"),
    ],
)
async def test_refused(api: Api, query: str, code: int, message: str) -> None:
    response = await api.raw("GET", f"{MAPS}?watch=1&{query}")
    assert response.status == code
    assert isinstance(response.body, bytes)
    assert message in json.loads(response.body)["message"]
