"""An App whose audit is kept in a list."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.apiserver.conftest import CATALOG, KEY, Api

from steersman.api import yaml
from steersman.api.clock import FakeClock
from steersman.apiserver.audit import policy
from steersman.apiserver.audit.event import Event, encode
from steersman.apiserver.audit.service import Audit
from steersman.apiserver.authn import ServiceAccountTokens
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App
from steersman.store.backends import memory


class Kept:
    """A sink that keeps what it takes; `refuses` decides whether requests may go on."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.refuses = False
        self.later: Callable[[], Awaitable[bool]] | None = None

    def take(self, event: Event) -> Awaitable[bool] | bool:
        if self.refuses:
            return False
        self.lines.append(encode(event))
        return self.later() if self.later is not None else True

    async def run(self) -> None:
        return

    async def close(self) -> None:
        return

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def stages(self) -> list[str]:
        return [event["stage"] for event in self.events]

    def last(self) -> dict[str, Any]:
        return self.events[-1]


@asynccontextmanager
async def audited(*rules: dict[str, Any], **more: Any) -> AsyncIterator[tuple[Api, Kept]]:
    """A server with a policy of these rules, and what it has noted since the start."""
    clock = FakeClock(1_800_000_000.0)
    document = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "rules": list(rules) or [{"level": "Metadata"}],
        **more,
    }
    kept = Kept()
    audit = Audit(clock, policy.decode(yaml.dump(document).encode(), "policy"), [kept])
    store = memory.BACKEND.open("", clock)
    config = ServerConfig(advertise_address="192.0.2.1", advertise_port=6443)
    accounts = ServiceAccountTokens(KEY, (KEY,))
    app = App(store, clock, config, catalog=CATALOG, service_accounts=accounts, audit=audit)
    await app.start()
    api = Api(app, clock)
    await api.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    kept.lines.clear()
    try:
        yield api, kept
    finally:
        await app.close()
        await store.close()
        await audit.close()
