"""A client of the API server from a part's kubeconfig."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from steersman.api.clock import Clock
from steersman.client import kubeconfig
from steersman.client.rest import Client
from steersman.client.transport import HTTPTransport


@contextlib.asynccontextmanager
async def connected(path: str, clock: Clock, agent: str) -> AsyncIterator[Client]:
    """The client, closed at the end. `agent` is the part's name in requests. Credentials that are renewed are taken over."""
    client = Client(HTTPTransport(kubeconfig.watch(Path(path)), clock, f"steersman-{agent}"))
    try:
        yield client
    finally:
        await client.close()
