"""One control plane for all of these tests: a real one, asked over HTTPS, with two simulated nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
from tests.conformance.asking import Api

from steersman.api.clock import FakeClock
from steersman.apiserver.config import ServerConfig
from steersman.client.kubeconfig import load
from steersman.client.transport import HTTPTransport
from steersman.testing import Cluster


async def connect(cluster: Cluster) -> Api:
    """An administrator's client of what the cluster serves."""
    assert cluster.served is not None
    return Api(HTTPTransport(load(cluster.served.kubeconfig)), cluster)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api() -> AsyncIterator[Api]:
    # An address that pods could reach the server by, so that there are endpoints of the Service `kubernetes`.
    config = ServerConfig(advertise_address="192.0.2.1")
    async with Cluster(nodes=2, port=True, config=config) as cluster:
        client = await connect(cluster)
        yield client
        await client.close()


@pytest_asyncio.fixture(loop_scope="session")
async def ns(api: Api) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid4().hex[:8]}"
    await api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    await api.delete(f"/api/v1/namespaces/{name}", code=None)


@pytest_asyncio.fixture(loop_scope="session")
async def unique() -> str:
    """A word that nobody else has used: cluster-wide names and labels are made of it."""
    return f"u{uuid4().hex[:8]}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def driven() -> AsyncIterator[Api]:
    """Another control plane, for what takes minutes: its time passes when a test says so. Its pods never run."""
    async with Cluster(nodes=0, clock=FakeClock(), port=True) as cluster:
        client = await connect(cluster)
        yield client
        await client.close()
