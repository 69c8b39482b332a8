"""Clients that act as service accounts, over the real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from steersman.api.errors import Forbidden
from steersman.api.http import Request, Response, User
from steersman.client.accounts import LIFE_SECONDS, Accounts
from steersman.client.rest import Client
from steersman.client.tokens import RENEW
from steersman.client.transport import InProcess
from steersman.kinds.types.core_v1 import ConfigMap, ServiceAccount
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.testing import Cluster

NAME = "root-ca-cert-publisher"


class Plain:
    """A transport without an identity of its own, which remembers what was asked."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.tokens: list[str] = []
        self.closed = False

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.tokens.append(headers["authorization"])
        asked = Request(request.method, request.path, request.query, headers, request.body)
        return await self._cluster.app.handle(asked)

    async def close(self) -> None:
        self.closed = True


class Counting(InProcess):
    """The transport of the one who asks for tokens."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.app.handle, User("system:kube-controller-manager", ("system:authenticated",)))
        self.requests: list[str] = []

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        self.requests.append(f"{request.method} {request.path.rpartition('/')[2]}")
        return await super().send(request, stream=stream)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    from steersman.api.clock import FakeClock

    async with Cluster(nodes=0, controllers=False, scheduler=False, clock=FakeClock()) as found:
        yield found


def _accounts(cluster: Cluster) -> tuple[Accounts, Counting, Plain]:
    asking, plain = Counting(cluster), Plain(cluster)
    return Accounts(Client(asking), plain, cluster.clock), asking, plain


def _config_map(name: str) -> Any:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="default"))


async def test_an_account_is_made_and_asked_for_when_it_is_needed(cluster: Cluster) -> None:
    accounts, asking, plain = _accounts(cluster)
    client = accounts.client(NAME)
    assert accounts.client(NAME) is client
    assert not asking.requests
    await asyncio.gather(client.create(_config_map("a")), client.create(_config_map("b")))
    await client.create(_config_map("c"))
    assert asking.requests == ["POST token", "POST serviceaccounts", "POST token"]
    assert len(set(plain.tokens)) == 1
    assert await cluster.find(ServiceAccount, NAME, "kube-system")
    await accounts.close()
    assert plain.closed


async def test_it_has_the_rights_of_its_role_and_no_others(cluster: Cluster) -> None:
    client = _accounts(cluster)[0].client(NAME)
    with pytest.raises(Forbidden, match=f"system:serviceaccount:kube-system:{NAME}"):
        await client.list(ConfigMap)


async def test_a_token_is_replaced_before_it_expires(cluster: Cluster) -> None:
    accounts, asking, plain = _accounts(cluster)
    client = accounts.client(NAME)
    await client.create(_config_map("a"))
    await cluster.advance(LIFE_SECONDS * RENEW - 1)
    await client.create(_config_map("b"))
    assert len(set(plain.tokens)) == 1
    await cluster.advance(2)
    await client.create(_config_map("c"))
    assert len(set(plain.tokens)) == 2
    assert asking.requests.count("POST token") == 3


async def test_an_account_that_was_replaced_is_asked_for_again(cluster: Cluster) -> None:
    accounts, _, plain = _accounts(cluster)
    client = accounts.client(NAME)
    await client.create(_config_map("a"))
    await cluster.client.delete(ServiceAccount, NAME, "kube-system")
    await client.create(_config_map("b"))
    assert len(set(plain.tokens)) == 2
