"""A server that is asked for rights: what it is told, what its answers mean, and what becomes of requests meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.conftest import MAPS, PODS, Api, config_map

from steersman.api.clock import FakeClock
from steersman.api.fields import FieldSelector
from steersman.api.http import User
from steersman.api.labels import parse
from steersman.apiserver.authorizers import webhook
from steersman.apiserver.authorizers.settings import Webhook
from steersman.apiserver.authorizers.webhook import WebhookAuthorizer, spec_of
from steersman.apiserver.authz import Attributes, Authorizer, Decision, Verdict
from steersman.apiserver.requestinfo import Query
from steersman.apiserver.requestinfo import parse as parse_request
from steersman.apiserver.webhook.asking import Said, Unanswered

JOE = User("joe", ("team", "system:authenticated"), "u", {"k": ("v",)})
ASKED = Attributes(JOE, "get", True, "apps", "deployments", "scale", "ns", "web", version="v1")
VALIDATING = "/apis/admissionregistration.k8s.io/v1"


class Server:
    """Answers with `status`, or by `code`, or fails; keeps what it was asked."""

    def __init__(self, **status: Any) -> None:
        self.status, self.code, self.asked = status, 200, list[dict[str, Any]]()
        self.error: BaseException | None = None
        self.gate: asyncio.Event | None = None
        self.reached = asyncio.Event()

    async def __call__(self, body: bytes) -> Said:
        review = json.loads(body)
        self.asked.append(review)
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Said(self.code, json.dumps({**review, "status": self.status}).encode())


def authorizer(server: Server, clock: FakeClock | None = None, **changes: Any) -> WebhookAuthorizer:
    settings = Webhook(Path("hook"), **changes)
    return WebhookAuthorizer("hook", server, clock or FakeClock(1_800_000_000.0), settings)


async def answer(module: WebhookAuthorizer, asked: Attributes = ASKED) -> Decision:
    found = module.decide(asked)
    return found if isinstance(found, Decision) else await found()


async def test_what_is_asked() -> None:
    server = Server(allowed=True)
    await answer(authorizer(server))
    spec = {
        "user": "joe",
        "groups": ["team", "system:authenticated"],
        "uid": "u",
        "extra": {"k": ["v"]},
        "resourceAttributes": {
            "namespace": "ns",
            "verb": "get",
            "group": "apps",
            "version": "v1",
            "resource": "deployments",
            "subresource": "scale",
            "name": "web",
        },
    }
    assert server.asked[0]["spec"] == spec
    assert (server.asked[0]["apiVersion"], server.asked[0]["kind"]) == (
        "authorization.k8s.io/v1",
        "SubjectAccessReview",
    )
    await answer(authorizer(server, version="v1beta1"))
    older = {("group" if key == "groups" else key): value for key, value in spec.items()}
    assert (server.asked[1]["apiVersion"], server.asked[1]["spec"]) == ("authorization.k8s.io/v1beta1", older)


def test_paths_and_selectors() -> None:
    path = spec_of(Attributes(User("x"), "get", False, path="/metrics"))
    assert path == {"user": "x", "nonResourceAttributes": {"path": "/metrics", "verb": "get"}}
    asked = Attributes(
        User("x"),
        "list",
        resource="pods",
        field_selector=FieldSelector.of({"spec.nodeName": "n"}),
        label_selector=parse("app=web,tier notin (a,b),!old,size>3"),
    )
    resource = spec_of(asked)["resourceAttributes"]
    assert resource["fieldSelector"] == {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n"]}]}
    assert resource["labelSelector"]["requirements"] == [
        {"key": "app", "operator": "In", "values": ["web"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "tier", "operator": "NotIn", "values": ["a", "b"]},
    ]


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ({"allowed": True, "reason": "r"}, Decision(Verdict.ALLOW, "r")),
        ({"allowed": False, "reason": "r"}, Decision(Verdict.NO_OPINION, "r")),
        ({"allowed": False, "denied": True, "reason": "r"}, Decision(Verdict.DENY, "r")),
        (
            {"allowed": True, "denied": True},
            Decision(Verdict.DENY, "", "webhook subject access review returned both allow and deny response"),
        ),
    ],
)
async def test_what_answers_mean(status: dict[str, Any], decision: Decision) -> None:
    assert await answer(authorizer(Server(**status))) == decision


async def test_answers_are_remembered_for_a_while() -> None:
    clock, server = FakeClock(1_800_000_000.0), Server(allowed=True)
    module = authorizer(server, clock, allowed_ttl=10.0, refused_ttl=0.0)
    for _ in range(3):
        await answer(module)
    assert len(server.asked) == 1
    await answer(module, Attributes(JOE, "get", True, "apps", "deployments", "scale", "ns", "other", version="v1"))
    assert len(server.asked) == 2
    await clock.advance(11)
    server.status = {"allowed": False}
    for _ in range(2):
        assert not (await answer(module)).allowed
    assert len(server.asked) == 4
    server.status = {"allowed": True}
    long = Attributes(JOE, "get", resource="pods", name="x" * 20_000)
    for _ in range(2):
        await answer(module, long)
    assert len(server.asked) == 6


@pytest.mark.parametrize("denies", [False, True])
@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (Unanswered("no answer in time", timed_out=True), 200, {}),
        (Unanswered("no route"), 200, {}),
        (None, 503, {}),
        (None, 403, {}),
        (None, 200, {"allowed": "maybe"}),
    ],
)
async def test_failures(denies: bool, error: BaseException | None, code: int, status: dict[str, Any]) -> None:
    server = Server(**status)
    server.error, server.code = error, code
    decision = await answer(authorizer(server, denies=denies))
    assert decision.verdict is (Verdict.DENY if denies else Verdict.NO_OPINION)
    assert decision.error
    assert len(server.asked) == 1


async def test_what_may_go_better_another_time_is_repeated() -> None:
    clock, server = FakeClock(1_800_000_000.0), Server(allowed=True)
    server.code = 500
    counted: Counter[str] = Counter()
    module = WebhookAuthorizer(
        "hook", server, clock, Webhook(Path("hook")), lambda result, *_: counted.update([result])
    )
    task = asyncio.ensure_future(answer(module))
    while len(server.asked) < 2:
        await clock.advance(1)
    server.code = 200
    while not task.done():
        await clock.advance(1)
    assert (await task).allowed
    assert len(server.asked) == 3
    assert counted == {"error": 2, "success": 1}


@pytest.mark.parametrize(
    ("conditions", "asked", "verdict"),
    [
        (("request.user == 'joe'",), 1, Verdict.ALLOW),
        (("request.user == 'joe'", "has(request.nonResourceAttributes)"), 0, Verdict.NO_OPINION),
        (("request.resourceAttributes.namespace == 'ns'", "'team' in request.groups"), 1, Verdict.ALLOW),
        (("request.extra['k'] == ['v']",), 1, Verdict.ALLOW),
        # One that fails counts only if none is false.
        (("request.extra['none'] == ['v']", "false"), 0, Verdict.NO_OPINION),
        (("request.extra['none'] == ['v']",), 0, Verdict.DENY),
    ],
)
async def test_conditions(conditions: tuple[str, ...], asked: int, verdict: Verdict) -> None:
    server = Server(allowed=True)
    decision = await answer(authorizer(server, conditions=conditions, denies=True))
    assert decision.verdict is verdict
    assert len(server.asked) == asked


async def test_equal_questions_at_the_same_time_are_one() -> None:
    server = Server(allowed=True)
    server.gate = asyncio.Event()
    module = authorizer(server, allowed_ttl=0.0)
    chain = Authorizer([module], lambda: 0)
    asking = [asyncio.ensure_future(chain.authorize(ASKED)) for _ in range(10)]
    other = asyncio.ensure_future(chain.authorize(Attributes(JOE, "list", resource="pods")))
    await server.reached.wait()
    for _ in range(3):
        await asyncio.sleep(0)
    asking.pop(0).cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    server.gate.set()
    assert all(decision.allowed for decision in await asyncio.gather(*asking, other))
    assert len(server.asked) == 2
    # Each of them was decided.
    assert chain.decided == {("hook", True): 10}
    await chain.authorize(ASKED)
    assert len(server.asked) == 3


async def test_a_question_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[Attributes] = []

    def counted(attributes: Attributes) -> dict[str, Any]:
        specs.append(attributes)
        return spec_of(attributes)

    monkeypatch.setattr(webhook, "spec_of", counted)
    first, second = Server(allowed=False), Server(allowed=True)
    chain = Authorizer([authorizer(first), authorizer(second)], lambda: 0)
    found = chain.admit(parse_request("GET", "/api/v1/namespaces/ns/pods/a", Query("")), JOE)
    assert not isinstance(found, Decision)
    assert (await found()).allowed
    assert len(specs) == 2
    assert (len(first.asked), len(second.asked)) == (1, 1)


async def test_the_first_that_decides_counts() -> None:
    first, second = Server(allowed=False), Server(allowed=False, denied=True, reason="no")
    chain = Authorizer([authorizer(first), authorizer(second)], lambda: 0)
    assert not isinstance(chain.decide(ASKED), Decision)
    assert await chain.authorize(ASKED) == Decision(Verdict.DENY, "no")
    # Both answers are known now.
    assert chain.decide(ASKED) == Decision(Verdict.DENY, "no")
    first.status = {"allowed": True}
    assert (await chain.authorize(Attributes(JOE, "list", resource="pods"))).allowed
    assert len(second.asked) == 1
    root = User("root", ("system:masters",))
    assert (await chain.authorize(Attributes(root, "get", resource="pods"))).allowed
    assert len(first.asked) == 2


async def test_requests_wait_for_the_answer(api: Api) -> None:
    server = Server(allowed=False, denied=True, reason="not on Saturdays")
    server.gate = asyncio.Event()
    module = authorizer(server, api.clock)
    api.app.authorizer.replace([module, api.app.rbac])
    request = asyncio.ensure_future(api.as_(JOE).get(f"{MAPS}/a", code=403))
    await server.reached.wait()
    # Nobody else has to wait.
    await api.get(MAPS)
    assert not request.done()
    server.gate.set()
    message = (await request)["message"]
    assert message.endswith('in API group "" in the namespace "default": not on Saturdays')
    assert server.asked[0]["spec"]["resourceAttributes"] == {
        "namespace": "default", "verb": "get", "version": "v1", "resource": "configmaps", "name": "a",
    }  # fmt: skip


async def test_a_server_that_cannot_be_asked_is_an_internal_error(api: Api) -> None:
    server = Server()
    server.error = Unanswered("no answer in time")
    api.app.authorizer.replace([authorizer(server, api.clock), api.app.rbac])
    answer = await api.as_(JOE).get(MAPS, code=500)
    assert "no answer in time" in answer["message"]
    # What somebody else allows is allowed all the same.
    await api.as_(JOE).get("/version")


async def test_expressions_of_policies_wait_for_it_too(api: Api) -> None:
    server = Server(allowed=True)
    expression = (
        "authorizer.group('').resource('secrets').namespace('default').check('get').allowed() && "
        "!authorizer.group('').resource('nodes').check('delete').allowed()"
    )
    spec = {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
            ]
        },
        "validations": [{"expression": expression}],
    }
    await api.post(f"{VALIDATING}/validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": spec})
    bound = {"policyName": "p", "validationActions": ["Deny"]}
    await api.post(f"{VALIDATING}/validatingadmissionpolicybindings", {"metadata": {"name": "b"}, "spec": bound})

    class Choosy(Server):
        async def __call__(self, body: bytes) -> Said:
            resource = json.loads(body)["spec"].get("resourceAttributes", {}).get("resource")
            self.status = {"allowed": resource != "nodes"}
            return await super().__call__(body)

    server = Choosy()
    api.app.authorizer.replace([authorizer(server, api.clock, allowed_ttl=0.0, refused_ttl=0.0)])
    await api.as_(JOE).post(MAPS, config_map("a"))
    asked = [review["spec"]["resourceAttributes"]["resource"] for review in server.asked]
    # The request itself, and each question of the expression once.
    assert asked == ["configmaps", "secrets", "nodes"]


async def test_rules_are_incomplete(api: Api) -> None:
    api.app.authorizer.replace([authorizer(Server(), api.clock), api.app.rbac])
    body = {"spec": {"namespace": "default"}}
    status = (await api.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body))["status"]
    assert status["incomplete"] is True
    assert status["evaluationError"] == "webhook authorizer does not support user rule resolution"


async def test_impersonation_asks(api: Api) -> None:
    server = Server(allowed=True)
    api.app.authorizer.replace([authorizer(server, api.clock)])
    headers = {"impersonate-user": "jane"}
    await api.as_(JOE).do("GET", PODS, None, headers)
    assert server.asked[-1]["spec"]["user"] == "jane"
    server.status = {"allowed": False}
    await api.as_(User("other")).do("GET", PODS, None, headers, code=403)
