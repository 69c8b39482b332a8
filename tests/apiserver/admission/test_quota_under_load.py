"""Quotas while 64 clients create and delete over connections of their own, give up, try in vain, and the server is killed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.running import TIMEOUT, ControlPlane, control_plane

from steersman.api import quantity
from steersman.api.errors import StatusError
from steersman.client.kubeconfig import load
from steersman.client.rest import Client, lines
from steersman.client.transport import HTTPTransport, Unreachable

CLIENTS, CALLS, KILLS = 64, 24, 2
NAMESPACE = "crowded"
_EXCEEDED = "exceeded quota: "
HERE = f"/api/v1/namespaces/{NAMESPACE}"
QUOTAS = {
    "objects": {"count/configmaps": "21", "secrets": "13", "persistentvolumeclaims": "9", "requests.storage": "20Gi"},
    "services": {"services": "11", "services.nodeports": "7"},
    "work": {"pods": "17", "requests.cpu": "4", "limits.memory": "40Gi"},
    "pods": {"count/pods": "15"},
}


def _pod(chance: random.Random) -> dict[str, Any]:
    amounts = {"requests": {"cpu": f"{chance.choice((50, 250, 700))}m"}, "limits": {"memory": "1Gi", "cpu": "1"}}
    return {"spec": {"containers": [{"name": "c", "image": "x", "resources": amounts}]}}


def _claim(chance: random.Random) -> dict[str, Any]:
    size = {"requests": {"storage": f"{chance.choice((1, 3))}Gi"}}
    return {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": size}}


def _service(chance: random.Random) -> dict[str, Any]:
    ports = [{"name": f"p{i}", "port": 80 + i} for i in range(chance.choice((1, 2)))]
    return {"spec": {"type": chance.choice(("ClusterIP", "NodePort")), "ports": ports}}


BODIES: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "configmaps": lambda chance: {"data": {"k": "v"}},
    "secrets": lambda chance: {"stringData": {"k": "v"}},
    "persistentvolumeclaims": _claim,
    "services": _service,
    "pods": _pod,
}


def cost(plural: str, obj: dict[str, Any]) -> dict[str, quantity.Quantity]:
    """What an object uses of the quotas."""
    spec = obj.get("spec", {})
    match plural:
        case "configmaps":
            return {"count/configmaps": "1"}
        case "secrets":
            return {"secrets": "1"}
        case "persistentvolumeclaims":
            return {"persistentvolumeclaims": "1", "requests.storage": spec["resources"]["requests"]["storage"]}
        case "services":
            ports = len(spec["ports"]) if spec["type"] == "NodePort" else 0
            return {"services": "1", "services.nodeports": str(ports)}
    amounts = spec["containers"][0]["resources"]
    used = {"requests.cpu": amounts["requests"]["cpu"], "limits.memory": amounts["limits"]["memory"]}
    return {"pods": "1", "count/pods": "1", **used}


@dataclass
class Crowd:
    """What all clients did together."""

    answers: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    counted: asyncio.Event = field(default_factory=asyncio.Event)
    # While the server is away, nobody wastes calls on it: on a slow machine hardly one would be answered.
    back: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, what: str) -> None:
        self.answers[what] = self.answers.get(what, 0) + 1
        self.calls += 1
        self.counted.set()

    async def reached(self, calls: int) -> None:
        while self.calls < calls:
            self.counted.clear()
            await self.counted.wait()


@dataclass
class Creator:
    """One client. What it made it may delete again."""

    client: Client
    name: str
    crowd: Crowd
    chance: random.Random
    made: list[tuple[str, str]] = field(default_factory=list)

    async def run(self) -> None:
        for number in range(CALLS):
            plural = self.chance.choice(list(BODIES))
            action = self.chance.choice(("create", "create", "create", "dry", "again", "invalid", "give up", "delete"))
            try:
                await self.act(action, plural, f"{self.name}-{number}")
                self.crowd.count(action)
            except Unreachable:
                self.crowd.count("unreachable")
                await self.crowd.back.wait()
            except StatusError as error:
                if error.code not in (403, 404, 409, 422) or (error.code == 403 and _EXCEEDED not in error.message):
                    raise
                self.crowd.count(f"{action} {error.code}")

    async def act(self, action: str, plural: str, name: str) -> None:
        body = {"metadata": {"name": name}, **BODIES[plural](self.chance)}
        path = f"{HERE}/{plural}"
        if action == "delete" or (action == "again" and not self.made):
            if self.made:
                plural, name = self.made.pop(self.chance.randrange(len(self.made)))
                await self.client.request("DELETE", f"{HERE}/{plural}/{name}")
            return
        if action == "dry":
            await self.client.request("POST", path, query={"dryRun": "All"}, body=body)
        elif action == "again":
            plural, name = self.chance.choice(self.made)
            body = {"metadata": {"name": name}, **BODIES[plural](self.chance)}
            await self.client.request("POST", f"{HERE}/{plural}", body=body)
        elif action == "invalid":
            await self.client.request("POST", path, body={**body, "metadata": {"name": name, "labels": {"!": ""}}})
        elif action == "give up":
            await self.give_up(path, body)
            self.made.append((plural, name))
        else:
            await self.client.request("POST", path, body=body)
            self.made.append((plural, name))

    async def give_up(self, path: str, body: dict[str, Any]) -> None:
        """Send a request, and close the connection before its answer if it takes longer than a moment."""
        request = asyncio.ensure_future(self.client.request("POST", path, body=body))
        await asyncio.wait((request,), timeout=self.chance.choice((0.0005, 0.002, 0.01)))
        if request.done():
            await request
        request.cancel()
        await asyncio.wait((request,))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("quota")) as running:
        yield running


async def get(client: Client, path: str) -> Any:
    response = await client.request("GET", path)
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


async def counted(client: Client) -> dict[str, dict[str, Any]]:
    """What the quotas say is used, once that is what there is."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            objects = {p: (await get(client, f"{HERE}/{p}"))["items"] for p in BODIES}
            quotas = {q["metadata"]["name"]: q for q in (await get(client, f"{HERE}/resourcequotas"))["items"]}
            used = {name: q.get("status", {}).get("used") for name, q in quotas.items()}
            truth = total([cost(plural, obj) for plural, items in objects.items() for obj in items])
            expected = {name: {n: truth.get(n, "0") for n in hard} for name, hard in QUOTAS.items()}
            if used == expected:
                return used
            version = (await get(client, f"{HERE}/resourcequotas"))["metadata"]["resourceVersion"]
            await next_change(client, version)


async def next_change(client: Client, version: str) -> None:
    """Until a quota is written, for some seconds at most."""
    query = {"watch": True, "resourceVersion": version, "timeoutSeconds": 5}
    response = await client.request("GET", f"{HERE}/resourcequotas", query=query, stream=True)
    async with aclosing(lines(response)) as events:
        async for _ in events:
            return


def total(costs: list[dict[str, quantity.Quantity]]) -> dict[str, quantity.Quantity]:
    names = {name for one in costs for name in one}
    return {name: quantity.total([one[name] for one in costs if name in one]) for name in names}


async def peaks(client: Client, plural: str, after: str) -> dict[str, quantity.Quantity]:
    """The most that there ever was of what this kind of object uses, as a watch of all changes tells it."""
    query = {"watch": True, "resourceVersion": after}
    response = await client.request("GET", f"{HERE}/{plural}", query=query, stream=True)
    live: dict[str, dict[str, quantity.Quantity]] = {}
    most: dict[str, quantity.Quantity] = {}
    async with asyncio.timeout(TIMEOUT), aclosing(lines(response)) as events:
        async for line in events:
            event = json.loads(line)
            name = event["object"]["metadata"]["name"]
            if name == "end":
                return most
            if event["type"] == "DELETED":
                live.pop(name)
                continue
            live[name] = cost(plural, event["object"])
            for used, amount in total(list(live.values())).items():
                most[used] = max(most.get(used, "0"), amount, key=quantity.nano)
    raise AssertionError("the watch ended early")


async def killing(plane: ControlPlane, crowd: Crowd, chance: random.Random) -> None:
    share = CLIENTS * CALLS / (KILLS + 1)
    for number in range(KILLS):
        await crowd.reached(int(share * (number + chance.uniform(0.4, 1))))
        crowd.back.clear()
        await asyncio.to_thread(plane.kill, "apiserver")
        crowd.back.set()


async def test_never_one_too_many(plane: ControlPlane) -> None:
    chance, crowd = random.Random(37), Crowd()
    async with AsyncExitStack() as stack:

        def connected() -> Client:
            client = Client(HTTPTransport(load(plane.kubeconfig)))
            stack.push_async_callback(client.close)
            return client

        admin = connected()
        await admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": NAMESPACE}})
        before = (await get(admin, f"{HERE}/configmaps"))["metadata"]["resourceVersion"]
        for name, hard in QUOTAS.items():
            body = {"metadata": {"name": name}, "spec": {"hard": hard}}
            await admin.request("POST", f"{HERE}/resourcequotas", body=body)
        await counted(admin)
        crowd.back.set()
        creators = [Creator(connected(), f"c{i}", crowd, random.Random(i)) for i in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            group.create_task(killing(plane, crowd, chance))
            for creator in creators:
                group.create_task(creator.run())
        used = await counted(admin)
        hard = {name: amount for each in QUOTAS.values() for name, amount in each.items()}
        for name, amounts in used.items():
            for what, amount in amounts.items():
                assert quantity.compare(amount, hard[what]) <= 0, (name, what)
        for name in QUOTAS:
            await admin.request("DELETE", f"{HERE}/resourcequotas/{name}")
        most: dict[str, quantity.Quantity] = {}
        for plural, body_of in BODIES.items():
            await admin.request("POST", f"{HERE}/{plural}", body={"metadata": {"name": "end"}, **body_of(chance)})
            most.update(await peaks(admin, plural, before))
    over = {name: amount for name, amount in most.items() if quantity.compare(amount, hard[name]) > 0}
    assert not over, (over, crowd.answers)
    # The limits were reached, and everything has happened that should.
    # One config map may be older than the quotas.
    assert quantity.value(most["count/configmaps"]) >= 20
    # How many pods there are depends on how large those were that came first.
    assert quantity.value(most["count/pods"]) >= 5
    assert {"create", "create 403", "dry", "dry 403", "again 409", "invalid 422", "give up", "delete"} <= set(
        crowd.answers
    )
