"""What a server that starts again on the same data serves of custom resources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.apiserver.conftest import CATALOG
from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version

from steersman.api.clock import FakeClock
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.store.backends import sqlite

NAME = f"crontabs.{GROUP}"


@asynccontextmanager
async def server(file: Path, *, works: bool = True) -> AsyncIterator[Customs]:
    """A server on this data; one that does not work does nothing of its own accord."""
    clock = FakeClock(1_800_000_000.0)
    store = sqlite.BACKEND.open(str(file), clock)
    app = App(store, clock, ServerConfig(advertise_address="192.0.2.1", advertise_port=6443), catalog=CATALOG)
    await app.start()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(app.run()) if works else None
        yield Customs(app, clock)
        if running is not None:
            running.cancel()
    await app.close()
    await store.close()


async def test_established_resources_are_there_at_once(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    schema = spec_schema(a={"type": "string", "default": "x"})
    async with server(file) as crds:
        await crds.define(definition("CronTab", version(schema=schema), version("v2", storage=False, schema=schema)))
        await crds.post(path(), custom(spec={}))
    async with server(file, works=False) as crds:
        assert (await crds.get(path(version="v2") + "/a"))["spec"] == {"a": "x"}
        assert [v["version"] for v in (await crds.get(f"/apis/{GROUP}"))["versions"]] == ["v2", "v1"]
        await crds.post(path(), custom("b", spec={"a": 5}), code=422)


async def test_what_was_begun_is_finished(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    async with server(file, works=False) as crds:
        await crds.post(CRDS, definition())
    async with server(file) as crds:
        await crds.established(NAME)
        await crds.post(path(), custom())
    async with server(file, works=False) as crds:
        await crds.delete(f"{CRDS}/{NAME}")
    async with server(file) as crds:
        await crds.gone(f"{CRDS}/{NAME}")
        await crds.get(path(), code=404)
