"""With real time: one client floods the server with lists, and another's get does not wait for them.

What is looked at is the order of the answers, which does not depend on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from tests.apiserver.conftest import ADMIN, CATALOG

from steersman.api.clock import RealClock
from steersman.api.http import Request, User
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.flowcontrol.retry import LONGEST
from steersman.apiserver.server import App
from steersman.http.server import HTTPServer
from steersman.store.backends import memory

HOST = "127.0.0.1"
FLOOD, OBJECTS = 100, 400
FLOODER, OTHER = (User(name, ("system:authenticated", "readers")) for name in ("flood", "other"))
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    clock = RealClock()
    store = memory.BACKEND.open("", clock)
    users = {"flood": FLOODER, "other": OTHER}
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


async def before_it(app: App, who: User, path: str) -> int:
    """How many of the flood's requests, which all come before it, are done with before one of another client."""
    done: list[str] = []

    async def ask(user: User, path: str) -> None:
        path, _, query = path.partition("?")
        response = await app.handle(Request("GET", path, query, user=user))
        assert response.status == 200
        done.append(user.name)

    await asyncio.gather(*(ask(FLOODER, f"{MAPS}?labelSelector=a%21%3Db") for _ in range(FLOOD)), ask(who, path))
    assert len(done) == FLOOD + 1
    return done.index(who.name)


@pytest.mark.parametrize(
    ("who", "path"), [(OTHER, f"{MAPS}/m1"), (OTHER, "/version"), (ADMIN, f"{MAPS}/m1"), (OTHER, f"{MAPS}?limit=10")]
)
async def test_others_do_not_wait_for_the_flood(app: App, who: User, path: str) -> None:
    assert await before_it(app, who, path) <= FLOOD // 4


async def test_nothing_is_left_of_it(app: App) -> None:
    await before_it(app, OTHER, "/version")
    level = app.fairness.levels["global-default"]
    assert level.idle
    assert level.seats == 0
    assert level.dispatched >= FLOOD


async def test_it_would_be_last(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other tests say is not by chance."""
    monkeypatch.setattr(app.fairness, "enter", lambda *args: None)
    assert await before_it(app, OTHER, f"{MAPS}/m1") == FLOOD


async def test_over_http(app: App) -> None:
    """A flood of more connections than may wait: some are refused, all are answered, others are not disturbed."""
    server = HTTPServer(app.handle)
    url = f"http://{HOST}:{await server.start([HOST], 0)}"
    refused: list[str] = []

    async def ask(session: aiohttp.ClientSession, path: str) -> int:
        async with session.get(path) as answer:
            await answer.read()
            assert len(answer.headers["X-Kubernetes-PF-FlowSchema-UID"]) == 36
            if answer.status == 429:
                refused.append(answer.headers["Retry-After"])
            return answer.status

    def session(token: str) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0)
        return aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {token}"}, connector=connector)

    for level in app.fairness.levels.values():
        # No queue is long: what is refused is decided by the flood alone.
        level.queuing = replace(level.queuing, length=min(level.queuing.length, 2))
    async with session("flood") as flood, session("other") as other:
        asked = [asyncio.ensure_future(ask(flood, f"{MAPS}?labelSelector=a%21%3Db")) for _ in range(FLOOD)]
        assert [await ask(other, f"{MAPS}/m1") for _ in range(10)] == [200] * 10
        statuses = Counter(await asyncio.gather(*asked))
    await server.close()
    assert statuses[200] + statuses[429] == FLOOD
    assert statuses[200] > 0
    # Refusals of more than one second have the next ones wait longer.
    assert all(1 <= int(seconds) <= LONGEST for seconds in refused)
