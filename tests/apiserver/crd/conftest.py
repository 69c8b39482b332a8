"""An App that does its recurring work, and definitions to give it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.apiserver.conftest import Api

GROUP = "stable.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def version(name: str = "v1", *, storage: bool = True, served: bool = True, **more: Any) -> dict[str, Any]:
    schema = more.pop("schema", None) or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def definition(
    kind: str = "CronTab", *versions: dict[str, Any], scope: str = "Namespaced", group: str = GROUP, **names: Any
) -> dict[str, Any]:
    plural = names.pop("plural", f"{kind.lower()}s")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "kind": kind, **names},
            "versions": list(versions) or [version()],
        },
    }


def spec_schema(**properties: Any) -> dict[str, Any]:
    """A schema whose spec has these properties."""
    spec = {"type": "object", "properties": properties}
    return {"type": "object", "properties": {"spec": spec}}


def path(plural: str = "crontabs", version: str = "v1", namespace: str = "default", group: str = GROUP) -> str:
    place = f"namespaces/{namespace}/" if namespace else ""
    return f"/apis/{group}/{version}/{place}{plural}"


def custom(name: str = "a", kind: str = "CronTab", version: str = "v1", group: str = GROUP, **content: Any) -> Any:
    return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, **content}


class Customs(Api):
    """An Api that knows when definitions are served."""

    async def settle(self) -> None:
        """Until the server has nothing to do."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def define(self, crd: dict[str, Any]) -> dict[str, Any]:
        """Create a definition and wait until it is established."""
        made = await self.post(CRDS, crd)
        await self.established(made["metadata"]["name"])
        return made

    async def established(self, name: str) -> dict[str, Any]:
        return await self.condition(name, "Established", "True")

    async def condition(self, name: str, type_: str, status: str) -> dict[str, Any]:
        """The definition, once it has this condition."""

        async def look() -> Any:
            crd = await self.get(f"{CRDS}/{name}")
            found = crd.get("status", {}).get("conditions", ())
            return crd if (type_, status) in [(c["type"], c["status"]) for c in found] else None

        crd: dict[str, Any] = await self.until(look)
        return crd

    async def gone(self, path: str) -> None:
        async def look() -> Any:
            return (await self.raw("GET", path)).status == 404

        await self.until(look)

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """What `look` finds, as soon as it finds anything; it is asked again whenever something is written."""
        written = asyncio.Event()
        unobserve = self.app.store.observe("", lambda _: written.set())
        try:
            async with asyncio.timeout(60):
                while not (found := await look()):
                    await written.wait()
                    written.clear()
        finally:
            unobserve()
        return found


@pytest.fixture
async def crds(api: Api) -> AsyncIterator[Customs]:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(api.app.run())
        yield Customs(api.app, api.clock)
        running.cancel()
