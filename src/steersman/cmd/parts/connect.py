"""Clients of the API server from a part's kubeconfig."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from steersman.api.clock import Clock
from steersman.client import kubeconfig
from steersman.client.accounts import Accounts
from steersman.client.rest import Client
from steersman.client.transport import Credentials, HTTPTransport


@contextlib.asynccontextmanager
async def connected(path: str, clock: Clock, agent: str) -> AsyncIterator[Client]:
    """The client, closed at the end. `agent` is the part's name in requests. Credentials that are renewed are taken over."""
    client = Client(HTTPTransport(kubeconfig.watch(Path(path)), clock, f"steersman-{agent}"))
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def accounts(path: str, client: Client, clock: Clock, agent: str) -> AsyncIterator[Callable[[str], Client]]:
    """What makes clients that act as service accounts of kube-system, by tokens that `client` requests. Closed at the end."""

    def nobody() -> Credentials:
        # A certificate would be who asks, whatever token came with it.
        return replace(kubeconfig.load(Path(path)), certificate="", key="", token="", token_file="")

    watched = kubeconfig.watching(Path(path), nobody)
    found = Accounts(client, HTTPTransport(watched, clock, f"steersman-{agent}"), clock)
    try:
        yield found.client
    finally:
        await found.close()
