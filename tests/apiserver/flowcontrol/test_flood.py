"""Over HTTP, with real time: one client floods the server with lists, and another's get does not wait for them.

What is looked at is the order of the answers, which does not depend on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.apiserver.conftest import ADMIN, CATALOG

from steersman.api.clock import RealClock
from steersman.api.http import Request, User
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.http import HTTPServer
from steersman.apiserver.server import App
from steersman.store.backends import memory

HOST = "127.0.0.1"
FLOOD, OBJECTS = 100, 400
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    clock = RealClock()
    store = memory.BACKEND.open("", clock)
    readers = ("system:authenticated", "readers")
    users = {"flood": User("flood", readers), "other": User("other", readers), "admin": ADMIN}
    app = App(store, clock, catalog=CATALOG, authenticator=Authenticator(clock, users))
    await app.start()

    async def make(path: str, obj: object) -> None:
        answer = await app.handle(Request("POST", path, body=json.dumps(obj).encode(), user=ADMIN))
        assert answer.status == 201

    group = "rbac.authorization.k8s.io"
    rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    await make(f"/apis/{group}/v1/clusterroles", {"metadata": {"name": "all"}, "rules": rules})
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "all"}
    subjects = [{"kind": "Group", "apiGroup": group, "name": "readers"}]
    await make(
        f"/apis/{group}/v1/clusterrolebindings", {"metadata": {"name": "all"}, "roleRef": role, "subjects": subjects}
    )
    for i in range(OBJECTS):
        await make(MAPS, {"metadata": {"name": f"m{i}"}, "data": {"key": "v" * 2000}})
    yield app
    await app.close()
    await store.close()


async def before_it(app: App, who: str, path: str) -> int:
    """How many of the flood's requests are answered between one of another client and its answer."""
    server = HTTPServer(app.handle)
    url = f"http://{HOST}:{await server.start([HOST], 0)}"
    answered = 0
    some = asyncio.Event()

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal answered
        async with session.get(f"{MAPS}?labelSelector=a%21%3Db") as answer:
            assert answer.status == 200
        answered += 1
        if answered > 5:
            some.set()

    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(url, headers={"Authorization": "Bearer flood"}, connector=connector) as flood,
        aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {who}"}) as other,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(FLOOD):
            tasks.create_task(ask(flood))
        await some.wait()
        begin = answered
        async with other.get(path) as answer:
            assert answer.status == 200
            await answer.read()
        between = answered - begin
    await server.close()
    assert answered == FLOOD
    return between


@pytest.mark.parametrize(
    ("who", "path"),
    [("other", f"{MAPS}/m1"), ("other", "/version"), ("admin", f"{MAPS}/m1"), ("other", f"{MAPS}?limit=10")],
)
async def test_others_do_not_wait_for_the_flood(app: App, who: str, path: str) -> None:
    assert await before_it(app, who, path) <= FLOOD // 4


async def test_nothing_is_left_of_it(app: App) -> None:
    await before_it(app, "other", "/version")
    level = app.fairness.levels["global-default"]
    assert level.idle
    assert level.seats == 0
    assert level.dispatched >= FLOOD
