"""Priority and fairness in a real App: its objects, headers, refusals, tables and metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.apiserver.conftest import ADMIN, CATALOG, MAPS, Api, config_map

from steersman.api.clock import FakeClock
from steersman.api.http import Response, User
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.flowcontrol import objects
from steersman.apiserver.flowcontrol.level import EXECUTING, Ticket
from steersman.apiserver.requestinfo import RequestInfo
from steersman.apiserver.server import App
from steersman.kinds.flowcontrol.mandatory_specs import everything
from steersman.store.backends import memory

GROUP = "/apis/flowcontrol.apiserver.k8s.io/v1"
SCHEMAS, LEVELS = f"{GROUP}/flowschemas", f"{GROUP}/prioritylevelconfigurations"
DEBUG = "/debug/api_priority_and_fairness"
BOB = User("bob", ("system:authenticated",))
INFO = RequestInfo("/", "get")


@pytest.fixture
async def small() -> AsyncIterator[Api]:
    """A server of few seats, that runs; BOB may do anything."""
    clock = FakeClock(1_800_000_000.0)
    store = memory.BACKEND.open("", clock)
    app = App(store, clock, ServerConfig(max_requests=60, max_watches=2), catalog=CATALOG)
    await app.start()
    api = Api(app, clock)
    rules = [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    await api.post(f"{rbac}/clusterroles", {"metadata": {"name": "all"}, "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "all"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}
    await api.post(f"{rbac}/clusterrolebindings", {"metadata": {"name": "all"}, "roleRef": role, "subjects": [subject]})
    running = asyncio.get_running_loop().create_task(app.run())
    yield api
    running.cancel()
    await asyncio.wait([running])
    await app.close()
    await store.close()


async def text(api: Api, path: str) -> str:
    response = await api.raw("GET", path)
    assert response.status == 200
    assert isinstance(response.body, bytes)
    return response.body.decode()


def status(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


async def test_objects_of_the_beginning(api: Api) -> None:
    schemas = (await api.get(SCHEMAS))["items"]
    assert {s["metadata"]["name"] for s in schemas} == set(objects.FLOWS)
    for schema in schemas:
        assert schema["metadata"]["annotations"] == {"apf.kubernetes.io/autoupdate-spec": "true"}
        assert [(c["type"], c["status"], c["reason"]) for c in schema["status"]["conditions"]] == [
            ("Dangling", "False", "Found")
        ]
        managers = {(m["manager"], m.get("subresource", "")) for m in schema["metadata"]["managedFields"]}
        assert ("api-priority-and-fairness-config-producer-v1", "") in managers
        assert ("api-priority-and-fairness-config-consumer-v1", "status") in managers
    levels = (await api.get(LEVELS))["items"]
    assert {p["metadata"]["name"]: p["spec"]["type"] for p in levels} == {
        name: "Exempt" if name == "exempt" else "Limited" for name in objects.LEVELS
    }


async def test_table(api: Api) -> None:
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    table = await api.do("GET", f"{SCHEMAS}/service-accounts", headers=accept)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "PriorityLevel", "MatchingPrecedence", "DistinguisherMethod", "Age", "MissingPL"]  # fmt: skip
    cells = table["rows"][0]["cells"]
    rows = (await api.do("GET", SCHEMAS, headers=accept))["rows"]
    precedences = [row["cells"][2] for row in rows]
    assert precedences == sorted(precedences)
    assert [row["cells"][0] for row in rows][:2] == ["exempt", "probes"]
    assert [*cells[:4], cells[5]] == ["service-accounts", "workload-low", 9000, "ByUser", "False"]


async def test_headers_name_schema_and_level(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    for user, path, schema, level in (
        (ADMIN, f"{MAPS}/a", "exempt", "exempt"),
        (BOB, "/version", "global-default", "global-default"),
        (BOB, f"{MAPS}/a", "global-default", "global-default"),
        (None, "/healthz", "probes", "exempt"),
        (
            User("system:node:n", ("system:nodes", "system:authenticated")),
            "/api/v1/nodes",
            "system-node-high",
            "node-high",
        ),
    ):
        response = await api.as_(user).raw("GET", path)
        expected = {
            "X-Kubernetes-PF-FlowSchema-UID": (await api.get(f"{SCHEMAS}/{schema}"))["metadata"]["uid"],
            "X-Kubernetes-PF-PriorityLevel-UID": (await api.get(f"{LEVELS}/{level}"))["metadata"]["uid"],
        }
        assert {k: v for k, v in response.headers.items() if k.startswith("X-Kubernetes-PF")} == expected


async def test_not_for_what_lasts_nor_for_strangers(api: Api) -> None:
    await api.post(
        "/api/v1/namespaces/default/pods",
        {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    )
    response = await api.raw("GET", "/api/v1/namespaces/default/pods/p/log")
    assert "X-Kubernetes-PF-FlowSchema-UID" not in response.headers
    response = await api.as_(None).raw("GET", MAPS, headers={"authorization": "Bearer wrong"})
    assert response.status == 401
    assert "X-Kubernetes-PF-FlowSchema-UID" not in response.headers


async def test_a_schema_of_one_s_own(small: Api) -> None:
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "bob"}}],
        "resourceRules": [
            {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"], "namespaces": ["default"]}
        ],
    }
    spec = {"matchingPrecedence": 50, "priorityLevelConfiguration": {"name": "mine"}, "rules": [rule]}
    made = await small.post(SCHEMAS, {"metadata": {"name": "mine"}, "spec": spec})
    bob = small.as_(BOB)
    default = (await bob.raw("GET", MAPS)).headers["X-Kubernetes-PF-FlowSchema-UID"]
    assert default != made["metadata"]["uid"]
    await small.clock.advance(1.0)
    (condition,) = (await small.get(f"{SCHEMAS}/mine"))["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("True", "NotFound")

    level = {"type": "Limited", "limited": {"nominalConcurrencyShares": 10, "limitResponse": {"type": "Reject"}}}
    mine = await small.post(LEVELS, {"metadata": {"name": "mine"}, "spec": level})
    headers = (await bob.raw("GET", MAPS)).headers
    assert headers["X-Kubernetes-PF-FlowSchema-UID"] == made["metadata"]["uid"]
    assert headers["X-Kubernetes-PF-PriorityLevel-UID"] == mine["metadata"]["uid"]
    assert (await bob.raw("GET", f"{MAPS}/x")).headers["X-Kubernetes-PF-FlowSchema-UID"] == default
    await small.clock.advance(1.0)
    (condition,) = (await small.get(f"{SCHEMAS}/mine"))["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Found")

    await small.delete(f"{LEVELS}/mine")
    assert (await bob.raw("GET", MAPS)).headers["X-Kubernetes-PF-FlowSchema-UID"] == default


async def test_objects_are_kept(small: Api) -> None:
    await small.delete(f"{SCHEMAS}/exempt")
    await small.delete(f"{LEVELS}/catch-all")
    await small.patch(f"{LEVELS}/system", {"spec": {"limited": {"nominalConcurrencyShares": 1}}})
    mine = {
        "metadata": {"annotations": {objects.AUTO_UPDATE: "false"}},
        "spec": {"limited": {"nominalConcurrencyShares": 2}},
    }
    await small.patch(f"{LEVELS}/node-high", mine)
    # Nobody is locked out meanwhile.
    assert (await small.raw("GET", MAPS)).status == 200
    assert (await small.as_(BOB).raw("GET", MAPS)).status == 200
    await small.clock.advance(61.0)
    assert (await small.get(f"{SCHEMAS}/exempt"))["status"]["conditions"][0]["status"] == "False"
    await small.get(f"{LEVELS}/catch-all")
    shares = {
        n: (await small.get(f"{LEVELS}/{n}"))["spec"]["limited"]["nominalConcurrencyShares"]
        for n in ("system", "node-high")
    }
    assert shares == {"system": 30, "node-high": 2}


async def hold(api: Api, level: str) -> list[Any]:
    """Take all seats of a level."""
    state = api.app.fairness.levels[level]
    held = []
    while state.fits(1):
        ticket = Ticket(state.flow("held", str(len(held)), {}), 1, api.clock.monotonic(), BOB, INFO)
        state.enter(ticket, api.clock.monotonic(), True)
        assert ticket.state is EXECUTING
        held.append(ticket)
    return held


async def test_who_waits_is_answered_when_a_seat_is_free(small: Api) -> None:
    await small.post(MAPS, config_map("a"))
    held = await hold(small, "global-default")
    waiting = asyncio.ensure_future(small.as_(BOB).raw("GET", f"{MAPS}/a"))
    await small.clock.advance(1.0)
    assert not waiting.done()
    assert (await small.raw("GET", f"{MAPS}/a")).status == 200
    rows = [line.split(",") for line in (await text(small, f"{DEBUG}/dump_priority_levels")).splitlines()]
    assert [c.strip() for c in rows[0]] == ["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"]  # fmt: skip
    (row,) = [[c.strip() for c in r] for r in rows if r[0] == "global-default"]
    assert row[1:6] == ["1", "false", "false", "1", str(len(held))]
    dumped = await text(small, f"{DEBUG}/dump_requests?includeRequestDetails=1")
    (line,) = [line for line in dumped.splitlines() if f"{MAPS}/a" in line and line.startswith("global-default")]
    cells = [c.strip() for c in line.split(",")]
    assert (cells[1], cells[3], cells[4], cells[6]) == ("global-default", "0", "bob", "1")
    assert cells[10:] == ["bob", "get", f"{MAPS}/a", "default", "a", "v1", "configmaps", ""]
    small.app.fairness.leave(held[0])
    assert (await waiting).status == 200


async def own_level(api: Api, **limited: Any) -> None:
    """A level that borrows nothing, for all that BOB asks."""
    level = {"type": "Limited", "limited": {"borrowingLimitPercent": 0, **limited}}
    await api.post(LEVELS, {"metadata": {"name": "mine"}, "spec": level})
    rules = [everything([{"kind": "User", "user": {"name": "bob"}}])]
    spec = {"matchingPrecedence": 50, "priorityLevelConfiguration": {"name": "mine"}, "rules": rules}
    await api.post(SCHEMAS, {"metadata": {"name": "mine"}, "spec": spec})
    assert (await api.as_(BOB).raw("GET", "/version")).status == 200


async def test_who_waits_too_long_is_refused(small: Api) -> None:
    await own_level(small, nominalConcurrencyShares=10, limitResponse={"type": "Queue", "queuing": {}})
    await hold(small, "mine")
    waiting = asyncio.ensure_future(small.as_(BOB).raw("GET", MAPS))
    await small.clock.advance(14.0)
    assert not waiting.done()
    await small.clock.advance(3.0)
    response = await waiting
    assert response.status == 429
    assert response.headers["Retry-After"] == "1"
    assert "X-Kubernetes-PF-FlowSchema-UID" in response.headers
    assert status(response) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Too many requests, please try again later.",
        "reason": "TooManyRequests",
        "details": {"retryAfterSeconds": 1},
        "code": 429,
    }


async def test_refusals_are_paced(small: Api) -> None:
    """The first is answered at once, a thousand take a second."""
    await own_level(small, nominalConcurrencyShares=1, limitResponse={"type": "Reject"})
    bob = small.as_(BOB)
    await hold(small, "mine")
    assert (await bob.raw("GET", "/version")).status == 429
    refused = [asyncio.ensure_future(bob.raw("GET", "/version")) for _ in range(100)]
    await small.clock.advance(0.0)
    await small.clock.advance(0.05)
    assert 40 <= sum(r.done() for r in refused) <= 60
    await small.clock.advance(0.06)
    assert {(await r).status for r in refused} == {429}
    metrics = await text(small, "/metrics")
    labels = 'priority_level="mine",flow_schema="mine"'
    assert f'apiserver_flowcontrol_rejected_requests_total{{{labels},reason="concurrency-limit"}} 101' in metrics
    assert f"apiserver_flowcontrol_dispatched_requests_total{{{labels}}} 1" in metrics
    assert f'apiserver_flowcontrol_request_wait_duration_seconds_count{{{labels},execute="true"}} 1' in metrics
    assert f'apiserver_flowcontrol_request_execution_seconds_count{{{labels},type="regular"}} 1' in metrics
    assert f"apiserver_flowcontrol_work_estimated_seats_count{{{labels}}} 1" in metrics
    assert 'apiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 25' in metrics


async def test_who_goes_away_waits_no_longer(small: Api) -> None:
    held = await hold(small, "global-default")
    waiting = asyncio.ensure_future(small.as_(BOB).raw("GET", MAPS))
    await small.clock.advance(1.0)
    level = small.app.fairness.levels["global-default"]
    assert level.waiting == 1
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (level.waiting, level.cancelled, level.executing) == (0, 1, len(held))


async def test_seats_are_given_back_whatever_happens(small: Api) -> None:
    bob = small.as_(BOB)
    for method, path in (("GET", f"{MAPS}/none"), ("POST", MAPS), ("GET", "/none"), ("PUT", "/api/v1/nodes")):
        await bob.raw(method, path, b"{")
    assert all(level.idle or name == "exempt" for name, level in small.app.fairness.levels.items())


async def test_a_watch_has_a_seat_until_it_has_begun(small: Api) -> None:
    for i in range(3):
        await small.post(MAPS, config_map(f"a{i}"))
    level = small.app.fairness.levels["global-default"]
    response = await small.as_(BOB).raw("GET", f"{MAPS}?watch=1")
    assert not isinstance(response.body, bytes)
    assert level.executing == 1
    assert await anext(response.body)
    following = asyncio.ensure_future(anext(response.body))
    await asyncio.sleep(0)
    assert level.executing == 0
    await small.post(MAPS, config_map("b"))
    assert b'"b"' in await following
    await response.body.aclose()  # type: ignore[attr-defined]

    # One that tells of nothing has none, and one that is not read keeps it for a while only.
    revision = (await small.get(MAPS))["metadata"]["resourceVersion"]
    response = await small.as_(BOB).raw("GET", f"{MAPS}?watch=1&resourceVersion={revision}")
    assert level.executing == 0
    stuck = await small.as_(BOB).raw("GET", f"{MAPS}?watch=1")
    assert level.executing == 1
    await small.clock.advance(12.0)
    assert level.executing == 0
    third = await small.as_(BOB).raw("GET", f"{MAPS}?watch=1")
    assert third.status == 429
    assert third.headers["Retry-After"] == "1"
    assert level.idle
    for body in (response.body, stuck.body):
        await body.aclose()  # type: ignore[union-attr]


async def test_a_wide_list_takes_more_seats(small: Api) -> None:
    for i in range(250):
        await small.post(MAPS, config_map(f"a{i}"))
    # All the seats of the level but one: no list of three fits, a get does.
    held = await hold(small, "workload-low")
    account = User("system:serviceaccount:default:x", ("system:serviceaccounts", "system:authenticated"))
    small.app.fairness.leave(held.pop())
    listing = asyncio.ensure_future(small.as_(account).raw("GET", MAPS))
    await small.clock.advance(1.0)
    assert not listing.done()
    for ticket in held[:2]:
        small.app.fairness.leave(ticket)
    assert (await listing).status == 403
    assert 3 in small.app.fairness.levels["workload-low"].series["service-accounts"].widths


async def test_levels_borrow(small: Api) -> None:
    """A level that is asked for more than its share gets seats that others do not use."""
    level = small.app.fairness.levels["workload-high"]
    before = level.limit
    await hold(small, "workload-high")
    flow = level.flow("held", "x", {})
    for _ in range(20):
        small.app.fairness.dispatcher.enter(flow, 1, small.clock.monotonic(), BOB, INFO)
    await small.clock.advance(11.0)
    await small.clock.advance(11.0)
    assert level.limit > before
    assert level.waiting == 0


async def test_dump_queues(small: Api) -> None:
    lines = (await text(small, f"{DEBUG}/dump_queues")).splitlines()
    assert [c.strip() for c in lines[0].split(",")] == ["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"]  # fmt: skip
    assert sum(line.startswith("global-default") for line in lines) == 128
    assert not any(line.startswith(("exempt", "catch-all")) for line in lines)
    assert (await small.raw("GET", f"{DEBUG}/none")).status == 404


async def test_mandatory_objects_cannot_be_changed(api: Api) -> None:
    failure = await api.patch(f"{LEVELS}/catch-all", {"spec": {"limited": {"nominalConcurrencyShares": 9}}}, code=422)
    assert failure["message"].endswith("spec of 'catch-all' must equal the fixed value")
    await api.patch(f"{LEVELS}/exempt", {"spec": {"exempt": {"nominalConcurrencyShares": 9}}})
