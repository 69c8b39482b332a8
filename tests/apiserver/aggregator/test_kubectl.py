"""The real kubectl with an aggregated API server: what it lists, explains, applies and watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.aggregator.conftest import GROUP, HOST, NAME, SERVICES, Outer, Sample, api_service, until
from tests.apiserver.test_apply_kubectl import Kubectl

from steersman.api.http import User
from steersman.apiserver.authn import Authenticator
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls

FLUNDER = f"""
apiVersion: {GROUP}/v1alpha1
kind: Flunder
metadata: {{name: f, namespace: default}}
spec: {{reference: one}}
"""


@pytest.fixture
async def kubectl(outer: Outer, sample: Sample, tmp_path: Path) -> AsyncIterator[Kubectl]:
    outer.app.authenticator = Authenticator(outer.clock, {"t": User("admin", ("system:masters",))})
    server = HTTPServer(outer.app.handle)
    pair = outer.pki.apiserver
    port = await server.start([HOST], 0, server_tls(str(pair.cert), str(pair.key)))
    await outer.serve(sample.port)
    yield Kubectl(tmp_path, f"https://{HOST}:{port}")
    await server.close()


async def test_flunders(kubectl: Kubectl, outer: Outer) -> None:
    await outer.post(SERVICES, api_service())
    await outer.wait_fresh()

    async def described() -> Any:
        return f"apis/{GROUP}/v1alpha1" in (await outer.get("/openapi/v3"))["paths"]

    await until(described)
    line = (await kubectl.run("get", "apiservice", NAME, "--no-headers")).split()
    assert line[:3] == [NAME, "wardle/api", "True"]
    found = await kubectl.run("api-resources", f"--api-group={GROUP}", "--no-headers")
    assert found.split() == ["flunders", "fl", f"{GROUP}/v1alpha1", "true", "Flunder"]
    assert f"{GROUP}/v1alpha1\n" in await kubectl.run("api-versions")
    explained = await kubectl.run("explain", "flunder.spec.reference")
    assert "What the flunder is about" in explained
    assert await kubectl.run("apply", manifest=FLUNDER) == f"flunder.{GROUP}/f created\n"
    assert await kubectl.run("apply", manifest=FLUNDER) == f"flunder.{GROUP}/f unchanged\n"
    again = FLUNDER.replace("one", "two")
    assert await kubectl.run("apply", manifest=again) == f"flunder.{GROUP}/f configured\n"
    assert (await kubectl.run("get", "fl", "--no-headers")).split()[0] == "f"
    async with asyncio.timeout(60), kubectl.running("get", "fl", "f", "-o", "name", "--watch") as printed:
        assert (await printed.readline()).decode() == f"flunder.{GROUP}/f\n"
        changed = asyncio.ensure_future(printed.readline())
        # Nobody says when kubectl begins to watch.
        while not changed.done():
            await kubectl.run("apply", manifest=FLUNDER)
            await kubectl.run("apply", manifest=again)
        assert (await changed).decode() == f"flunder.{GROUP}/f\n"
    assert await kubectl.run("delete", "fl", "f") == f'flunder.{GROUP} "f" deleted\n'


async def test_a_server_that_is_away(kubectl: Kubectl, outer: Outer) -> None:
    await outer.post(SERVICES, api_service(service={"namespace": "wardle", "name": "nobody"}))
    await outer.wait("ServiceNotFound")
    assert "False (ServiceNotFound)" in await kubectl.run("get", "apiservice", NAME)
    # Nothing else suffers.
    assert "namespaces" in await kubectl.run("api-resources")
    assert "default" in await kubectl.run("get", "namespaces")
    said = await kubectl.run("get", "--raw", f"/apis/{GROUP}/v1alpha1", code=1)
    assert said == "Error from server (ServiceUnavailable): the server is currently unable to handle the request\n"
