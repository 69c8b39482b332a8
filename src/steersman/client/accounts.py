"""Clients that act as service accounts: each asks for a token when it first needs one, and for another before that expires."""

from __future__ import annotations

import asyncio

from steersman.api.clock import Clock
from steersman.api.errors import AlreadyExists, NotFound
from steersman.api.http import Request, Response
from steersman.client import tokens
from steersman.client.rest import Client
from steersman.client.transport import Transport
from steersman.kinds.types.core_v1 import ServiceAccount
from steersman.kinds.types.meta_v1 import ObjectMeta

LIFE_SECONDS = 3600


class Accounts:
    """The service accounts of one namespace, which are made when they are missing.

    `client` requests the tokens; `transport` carries what is asked with them, and must bring no identity of its own.
    """

    def __init__(self, client: Client, transport: Transport, clock: Clock, namespace: str = "kube-system") -> None:
        self._client, self._transport, self._clock = client, transport, clock
        self._namespace = namespace
        self._clients: dict[str, Client] = {}

    def client(self, name: str) -> Client:
        """A client that is the service account `name`; always the same one, closed with all others."""
        found = self._clients.get(name)
        if found is None:
            token = _Token(self._client, self._clock, self._namespace, name)
            found = self._clients[name] = Client(_AsAccount(self._transport, token))
        return found

    async def close(self) -> None:
        await self._transport.close()


class _Token:
    """The token of one account."""

    def __init__(self, client: Client, clock: Clock, namespace: str, name: str) -> None:
        self._client, self._clock = client, clock
        self._namespace, self._name = namespace, name
        self._value, self._until = "", 0.0
        # Who needs one while it is on its way waits for it.
        self._fetching = asyncio.Lock()

    @property
    def fresh(self) -> str:
        """The token, or "" if there is none that may be used."""
        return self._value if self._clock.monotonic() < self._until else ""

    async def get(self) -> str:
        async with self._fetching:
            if not self.fresh:
                await self._fetch()
            return self._value

    def spoil(self, value: str) -> None:
        """The server does not take it: the account is another now, or the server signs with another key."""
        if value == self._value:
            self._until = 0.0

    async def _fetch(self) -> None:
        try:
            found = await self._request()
        except NotFound:
            await self._make()
            found = await self._request()
        self._value, self._until = found.value, self._clock.monotonic() + found.renew_after

    async def _request(self) -> tokens.Token:
        return await tokens.request(self._client, self._clock, self._namespace, self._name, LIFE_SECONDS)

    async def _make(self) -> None:
        try:
            await self._client.create(ServiceAccount(metadata=ObjectMeta(name=self._name, namespace=self._namespace)))
        except AlreadyExists:
            # Somebody was faster, which is as good.
            return


class _AsAccount:
    """A Transport that adds the account's token to every request."""

    def __init__(self, transport: Transport, token: _Token) -> None:
        self._transport, self._token = transport, token

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        headers = request.headers
        value = self._token.fresh or await self._token.get()
        request.headers = {**headers, "Authorization": f"Bearer {value}"}
        response = await self._transport.send(request, stream=stream)
        if response.status != 401:
            return response
        self._token.spoil(value)
        request.headers = {**headers, "Authorization": f"Bearer {await self._token.get()}"}
        return await self._transport.send(request, stream=stream)

    async def close(self) -> None:
        """The connections are shared."""
