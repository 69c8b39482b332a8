"""A client of a few lines: what a test sends and gets are plain JSON values, over a real connection."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

from steersman.api.http import Request, Response
from steersman.client.rest import lines
from steersman.client.transport import Transport
from steersman.testing import Cluster

T = TypeVar("T")

# How long something that the server or a controller must do may take, in seconds.
PATIENCE = 60.0
PATCHES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Watch:
    """The events of one watch, as they come."""

    def __init__(self, found: AsyncIterator[bytes]) -> None:
        self._lines = found

    async def until(self, type_: str, holds: Callable[[Any], object] = lambda _: True) -> Any:
        """The object of the next event of that type of which `holds` is true; those before it are passed over."""
        seen: list[Any] = []
        try:
            async with asyncio.timeout(PATIENCE):
                async for line in self._lines:
                    event = json.loads(line)
                    seen.append(event)
                    if event["type"] == type_ and holds(event["object"]):
                        return event["object"]
        except TimeoutError:
            raise AssertionError(f"no such {type_}, only {seen}") from None
        raise AssertionError(f"the watch ended after {seen}")


class Api:
    """One user of the server. Every method fails the test unless the answer has the code, by default any success."""

    def __init__(self, transport: Transport, cluster: Cluster, headers: Mapping[str, str] | None = None) -> None:
        self._transport = transport
        self.cluster = cluster
        self._headers = dict(headers or {})

    async def close(self) -> None:
        await self._transport.close()

    def as_(self, headers: Mapping[str, str]) -> Api:
        """The same connection, with these headers in every request."""
        return Api(self._transport, self.cluster, {**self._headers, **headers})

    async def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        **query: object,
    ) -> Response:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"accept": "application/json", "content-type": "application/json", **self._headers, **(headers or {})}
        asked = urlencode({name: _text(value) for name, value in query.items() if value is not None})
        return await self._transport.send(Request(method, path, asked, sent, content), stream=stream)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        code: int = 0,
        headers: Mapping[str, str] | None = None,
        **query: object,
    ) -> Any:
        response = await self.raw(method, path, body, headers=headers, **query)
        assert isinstance(response.body, bytes)
        answer = json.loads(response.body) if response.body else None
        expected = response.status == code if code else response.status < 300
        assert expected, (method, path, response.status, str(answer)[:1000])
        return answer

    async def get(self, path: str, *, code: int = 0, **query: object) -> Any:
        return await self.ask("GET", path, code=code, **query)

    async def post(self, path: str, body: Any, *, code: int = 0, **query: object) -> Any:
        return await self.ask("POST", path, body, code=code, **query)

    async def put(self, path: str, body: Any, *, code: int = 0, **query: object) -> Any:
        return await self.ask("PUT", path, body, code=code, **query)

    async def delete(self, path: str, body: Any = None, *, code: int = 0, **query: object) -> Any:
        return await self.ask("DELETE", path, body, code=code, **query)

    async def patch(self, path: str, body: Any, kind: str = "merge", *, code: int = 0, **query: object) -> Any:
        if kind == "apply":
            query = {"fieldManager": "test", "force": True, **query}
        return await self.ask("PATCH", path, body, code=code, headers={"content-type": PATCHES[kind]}, **query)

    async def items(self, path: str, labels: str = "") -> list[Any]:
        found: list[Any] = (await self.get(path, labelSelector=labels or None))["items"]
        return found

    async def delete_all(self, path: str, labels: str) -> None:
        await self.delete(path, labelSelector=labels)

    async def gone(self, path: str) -> None:
        """Until there is no such object."""

        async def absent() -> bool:
            return (await self.raw("GET", path)).status == 404

        await self.wait(absent, f"{path} is gone")

    async def until(self, path: str, holds: Callable[[Any], object], **query: object) -> Any:
        """The object or list, as soon as `holds` is true of it; until then it may be absent."""

        async def look() -> Any:
            response = await self.raw("GET", path, **query)
            assert isinstance(response.body, bytes)
            if response.status == 404:
                return None
            found = json.loads(response.body)
            assert response.status == 200, found
            return found if holds(found) else None

        return await self.wait(look, path)

    async def wait(self, look: Callable[[], Awaitable[T]], what: str) -> T:
        """Until `look` gives something true; it is asked again when something was written."""
        return await self.cluster.wait_for(look, what, timeout=PATIENCE)

    async def change(self, path: str, change: Callable[[Any], None], to: str = "") -> Any:
        """Read the object, change it, write it (to its subresource `to`); once more when somebody else was faster."""
        while True:
            found = await self.get(path)
            change(found)
            response = await self.raw("PUT", path + to, found)
            assert isinstance(response.body, bytes)
            answer = json.loads(response.body)
            if response.status != 409:
                assert response.status == 200, answer
                return answer

    @asynccontextmanager
    async def watch(self, path: str, **query: object) -> AsyncIterator[Watch]:
        response = await self.raw("GET", path, stream=True, watch=True, **query)
        assert response.status == 200, response.body
        async with aclosing(lines(response)) as found:
            yield Watch(found)


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def includes(found: Any, wanted: Any) -> bool:
    """Whether everything in `wanted` is in `found` too; maps may have more."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(k in found and includes(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(includes(f, w) for f, w in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)


def with_labels(obj: dict[str, Any], **labels: str) -> dict[str, Any]:
    """A copy of the object with these labels too."""
    made = copy.deepcopy(obj)
    made.setdefault("metadata", {}).setdefault("labels", {}).update(labels)
    return made
