"""A real App over the memory store, and a client of three lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from steersman.api.clock import FakeClock
from steersman.api.http import Request, Response, User
from steersman.apiserver.authn import ServiceAccountTokens
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.kinds import catalog
from steersman.pki import certs, tokens
from steersman.store.backends import memory

ADMIN = User("admin", ("system:masters", "system:authenticated"))
CATALOG = catalog.load()
KEY = tokens.Key(certs.new_key())


class Api:
    """Speaks to an App as one user."""

    def __init__(self, app: App, clock: FakeClock, user: User | None = ADMIN) -> None:
        self.app, self.clock, self.user = app, clock, user

    def as_(self, user: User | None) -> Api:
        return Api(self.app, self.clock, user)

    async def raw(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Response:
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return await self.app.handle(Request(method, path, query, headers or {}, data, user=self.user))

    async def do(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        code: int | None = None,
    ) -> Any:
        """The decoded answer; fails unless the code is the one expected (by default any success)."""
        response = await self.raw(method, path, body, headers)
        assert isinstance(response.body, bytes)
        answer = json.loads(response.body) if response.body else None
        if code is None:
            assert response.status < 300, answer
        else:
            assert response.status == code, answer
        return answer

    async def get(self, path: str, **kwargs: Any) -> Any:
        return await self.do("GET", path, **kwargs)

    async def post(self, path: str, body: Any, **kwargs: Any) -> Any:
        return await self.do("POST", path, body, **kwargs)

    async def put(self, path: str, body: Any, **kwargs: Any) -> Any:
        return await self.do("PUT", path, body, **kwargs)

    async def delete(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return await self.do("DELETE", path, body, **kwargs)

    async def patch(self, path: str, body: Any, type: str = "merge-patch+json", **kwargs: Any) -> Any:
        return await self.do("PATCH", path, body, {"content-type": f"application/{type}"}, **kwargs)

    async def watch(self, path: str, count: int, headers: dict[str, str] | None = None) -> list[Any]:
        """The first `count` events of a watch."""
        response = await self.raw("GET", path, headers=headers)
        assert not isinstance(response.body, bytes), response.body
        events: list[Any] = []
        async for chunk in response.body:
            events += [json.loads(line) for line in chunk.splitlines()]
            if len(events) >= count:
                break
        await response.body.aclose()  # type: ignore[attr-defined]
        return events


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers behind this one are there; on a busy machine it may be long until they answer, and clocks that stand still are no
    help to who would try again later."""
    aggregator = (
        "aggregator.availability.SECONDS",
        "aggregator.discovery._SECONDS",
        "aggregator.proxy._DISCOVERY_SECONDS",
    )
    for name in ("backend._CONNECT_SECONDS", *aggregator):
        monkeypatch.setattr(f"steersman.apiserver.{name}", 60.0)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    clock = FakeClock(1_800_000_000.0)
    store = memory.BACKEND.open("", clock)
    accounts = ServiceAccountTokens(KEY, (KEY,))
    config = ServerConfig(advertise_address="192.0.2.1", advertise_port=6443)
    app = App(store, clock, config, catalog=CATALOG, service_accounts=accounts)
    await app.start()
    api = Api(app, clock)
    await api.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    yield api
    await app.close()
    await store.close()


def pod(name: str = "a", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


def config_map(name: str = "a", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
