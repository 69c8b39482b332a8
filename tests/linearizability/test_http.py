"""Concurrent compare-and-swap through the API of real processes, also while the server is killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.linearizability.checker import Operation, Outcome, is_linearizable
from tests.running import TIMEOUT, ControlPlane, control_plane

from steersman.api.errors import StatusError
from steersman.client.kubeconfig import load
from steersman.client.rest import Client, lines
from steersman.client.transport import HTTPTransport, Unreachable

CLIENTS, CALLS, KEYS, KILLS = 8, 120, 3, 4
ABSENT = 404
CONFLICT = 409


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("linearizability")) as running:
        yield running


@asynccontextmanager
async def connected(plane: ControlPlane) -> AsyncIterator[Client]:
    client = Client(HTTPTransport(load(plane.kubeconfig)))
    try:
        yield client
    finally:
        await client.close()


@dataclass
class History:
    """What happened, by key; and every value that the server gave a resourceVersion, with it."""

    operations: dict[str, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    versions: dict[int, str] = field(default_factory=dict)
    # Answered writes: start, end and the version given, of whatever key.
    writes: list[tuple[float, float, int]] = field(default_factory=list)
    calls: int = 0
    counted: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self) -> None:
        self.calls += 1
        self.counted.set()

    async def reached(self, calls: int) -> None:
        """Until so many calls have ended."""
        while self.calls < calls:
            self.counted.clear()
            await self.counted.wait()

    def saw(self, version: int, value: str) -> None:
        assert self.versions.setdefault(version, value) == value, f"{version} is of two values"


@dataclass
class Caller:
    """One client: it reads, and from what it read last it writes."""

    client: Client
    path: str
    name: str
    history: History
    chance: random.Random
    # What this client knows of each key: its value and its resourceVersion.
    known: dict[str, tuple[str, str]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def run(self, calls: int) -> None:
        for _ in range(calls):
            key = f"key-{self.chance.randrange(KEYS)}"
            kinds = ("read", "update", "update", "delete") if key in self.known else ("read", "create")
            await self.call(self.chance.choice(kinds), key)
            self.history.count()

    async def call(self, kind: str, key: str) -> None:
        """One operation, and what it tells, into the history."""
        clock = asyncio.get_running_loop().time
        new = f"{self.name}-{next(self.numbers)}" if kind in ("create", "update") else None
        value, version = self.known.get(key, (None, ""))
        expected = value if kind in ("update", "delete") else None
        start = clock()
        try:
            answer = await self.ask(kind, key, new, version)
        except Unreachable:
            self.known.pop(key, None)
            if kind != "read":
                self.note(key, Operation(kind, start, math.inf, Outcome.UNKNOWN, expected, new))
            return
        except StatusError as error:
            self.known.pop(key, None)
            outcome = _outcome(kind, error)
            if kind == "read":
                self.note(key, Operation(kind, start, clock()))
            else:
                self.note(key, Operation(kind, start, clock(), outcome, expected, new))
            return
        end = clock()
        if kind == "read":
            self.note(key, Operation(kind, start, end, found=answer["data"]["value"]))
        else:
            self.note(key, Operation(kind, start, end, Outcome.OK, expected, new))
        if kind == "delete":
            self.known.pop(key, None)
            return
        found, given = answer["data"]["value"], answer["metadata"]["resourceVersion"]
        self.known[key] = found, given
        self.history.saw(int(given), found)
        if kind != "read":
            self.history.writes.append((start, end, int(given)))

    def note(self, key: str, operation: Operation) -> None:
        self.history.operations[key].append(operation)

    async def ask(self, kind: str, key: str, new: str | None, version: str) -> Any:
        body: Any = {"metadata": {"name": key, "resourceVersion": version}, "data": {"value": new}}
        match kind:
            case "read":
                response = await self.client.request("GET", f"{self.path}/{key}")
            case "create":
                response = await self.client.request("POST", self.path, body={**body, "metadata": {"name": key}})
            case "update":
                response = await self.client.request("PUT", f"{self.path}/{key}", body=body)
            case _:
                options = {"preconditions": {"resourceVersion": version}}
                response = await self.client.request("DELETE", f"{self.path}/{key}", body=options)
        assert isinstance(response.body, bytes)
        return json.loads(response.body)


def _outcome(kind: str, error: StatusError) -> Outcome:
    if error.code == ABSENT:
        return Outcome.ABSENT
    if kind == "read" or error.code != CONFLICT:
        raise error
    return Outcome.EXISTS if kind == "create" else Outcome.CHANGED


async def killing(plane: ControlPlane, history: History, chance: random.Random) -> None:
    """Kill the server a few times, always in the middle of calls, and wait until it is back."""
    share = CLIENTS * CALLS / (KILLS + 1)
    for number in range(KILLS):
        await history.reached(int(share * (number + chance.uniform(0.3, 1))))
        await asyncio.to_thread(plane.kill, "apiserver")


async def changes(client: Client, path: str, after: str, end: str) -> list[tuple[str, str, str, int]]:
    """Every change of a key after a resourceVersion as a watch tells it, up to the object called `end`."""
    query = {"watch": True, "resourceVersion": after}
    response = await client.request("GET", path, query=query, stream=True)
    found = []
    async with asyncio.timeout(TIMEOUT), aclosing(lines(response)) as events:
        async for line in events:
            event = json.loads(line)
            meta = event["object"]["metadata"]
            if meta["name"] == end:
                return found
            if meta["name"].startswith("key-"):
                value = event["object"]["data"]["value"]
                found.append((event["type"], meta["name"], value, int(meta["resourceVersion"])))
    raise AssertionError("the watch ended early")


def check_watch(found: list[tuple[str, str, str, int]], history: History) -> None:
    """Changes come in the order of their versions, each fits the one before, and none that was answered is missing."""
    assert [version for *_, version in found] == sorted({version for *_, version in found})
    state: dict[str, str] = {}
    for type_, key, value, version in found:
        assert (type_ == "ADDED") is (key not in state)
        if type_ == "DELETED":
            assert state.pop(key) == value
        else:
            state[key] = value
            assert history.versions.get(version, value) == value
    told = {version for *_, version in found}
    assert {version for *_, version in history.writes} <= told


def check_versions(history: History) -> None:
    """Whatever began after something else had been answered got the higher version, whichever key it was about."""
    highest = 0
    ended = sorted(history.writes, key=lambda w: w[1])
    at = 0
    for start, _, version in sorted(history.writes):
        while at < len(ended) and ended[at][1] < start:
            highest = max(highest, ended[at][2])
            at += 1
        assert version > highest


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "while the server is killed"])
async def test_compare_and_swap_is_linearizable(plane: ControlPlane, killed: bool) -> None:
    seed = random.randrange(1 << 30)
    chance, history = random.Random(seed), History()
    namespace = f"killed-{seed}" if killed else f"calm-{seed}"
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    async with connected(plane) as client:
        await client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
        start = await _revision(client, path)
        callers = [Caller(client, path, f"c{i}", history, random.Random(seed + i)) for i in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            if killed:
                group.create_task(killing(plane, history, chance))
            for caller in callers:
                group.create_task(caller.run(CALLS))
        await client.request("POST", path, body={"metadata": {"name": "end"}})
        found = await changes(client, path, start, "end")
    for key, operations in history.operations.items():
        assert is_linearizable(operations), f"{key} with seed {seed}"
    check_versions(history)
    check_watch(found, history)


async def _revision(client: Client, path: str) -> str:
    response = await client.request("GET", path)
    assert isinstance(response.body, bytes)
    return str(json.loads(response.body)["metadata"]["resourceVersion"])
