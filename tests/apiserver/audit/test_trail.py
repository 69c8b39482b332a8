"""The events that requests leave behind: stages, fields, objects, annotations, and what is kept out of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.apiserver.audit.conftest import audited
from tests.apiserver.conftest import MAPS, PODS, config_map, pod

from steersman.api.http import Hijacked, Request, Response, User
from steersman.apiserver import routing
from steersman.apiserver.admission.framework import Review

SOMEBODY = User("bob", ("dev", "system:authenticated"), "7", {"scopes": ("a", "b")})
COMPLETE = {"omitStages": ["RequestReceived"]}


async def test_both_stages_of_a_request_and_all_fields() -> None:
    async with audited() as (api, kept):
        headers = {
            "user-agent": "kubectl/v1",
            "audit-id": "mine",
            "x-forwarded-for": "192.0.2.7, 198.51.100.1, nonsense",
        }
        request = Request("GET", MAPS + "/a", "limit=1", headers, user=SOMEBODY, remote="::ffff:203.0.113.9")
        answer = await api.app.handle(request)
        received, complete = kept.events
        common = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": "mine",
            "requestURI": MAPS + "/a?limit=1",
            "verb": "get",
            "user": {
                "username": "bob",
                "uid": "7",
                "groups": ["dev", "system:authenticated"],
                "extra": {"scopes": ["a", "b"]},
            },
            "sourceIPs": ["192.0.2.7", "198.51.100.1", "203.0.113.9"],
            "userAgent": "kubectl/v1",
            "objectRef": {"resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"},
            "requestReceivedTimestamp": "2027-01-15T08:00:00.000000Z",
            "stageTimestamp": "2027-01-15T08:00:00.000000Z",
        }
        assert received == {**common, "stage": "RequestReceived"}
        why = (
            'configmaps "a" is forbidden: User "bob" cannot get resource "configmaps" in API group "" in the namespace '
            '"default"'
        )
        assert complete == {
            **common,
            "stage": "ResponseComplete",
            "responseStatus": {
                "metadata": {},
                "status": "Failure",
                "message": why,
                "reason": "Forbidden",
                "details": {"name": "a", "kind": "configmaps"},
                "code": 403,
            },
            "annotations": {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""},
        }
        assert list(complete) == [
            *(
                "kind",
                "apiVersion",
                "level",
                "auditID",
                "stage",
                "requestURI",
                "verb",
                "user",
                "sourceIPs",
                "userAgent",
            ),
            *("objectRef", "responseStatus", "requestReceivedTimestamp", "stageTimestamp", "annotations"),
        ]
        assert answer.headers["Audit-Id"] == "mine"


async def test_an_id_that_is_too_long_is_replaced() -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):
        answer = await api.raw("GET", "/version", headers={"audit-id": "x" * 65})
        assert len(answer.headers["Audit-Id"]) == 36
        assert kept.last()["auditID"] == answer.headers["Audit-Id"]
        assert "objectRef" not in kept.last()


async def test_without_a_rule_nothing_is_noted_but_there_is_an_id() -> None:
    async with audited({"level": "Metadata", "users": ["nobody"]}) as (api, kept):
        answer = await api.raw("GET", MAPS)
        assert kept.lines == []
        assert len(answer.headers["Audit-Id"]) == 36


async def test_who_is_left_out_is_not_taken_for_nobody() -> None:
    async with audited({"level": "None", "users": ["admin"]}, {"level": "Metadata"}) as (api, kept):
        await api.get(MAPS)
        await api.post(MAPS, config_map("a"))
        answer = await api.raw("GET", MAPS + "?watch=1")
        assert not isinstance(answer.body, bytes)
        await answer.body.aclose()  # type: ignore[attr-defined]
        assert kept.lines == []
        await api.as_(SOMEBODY).raw("GET", MAPS)
        assert kept.last()["user"]["username"] == "bob"


async def test_objects_are_shown_as_they_were_sent_and_as_they_were_answered() -> None:
    async with audited(COMPLETE | {"level": "RequestResponse"}) as (api, kept):
        made = await api.post(MAPS, {**config_map("a", x="1"), "apiVersion": "v1", "kind": "ConfigMap"})
        event = kept.last()
        assert event["requestObject"]["data"] == {"x": "1"}
        assert "uid" not in event["requestObject"]["metadata"]
        assert event["responseObject"] == made
        assert event["objectRef"]["name"] == "a"
        assert event["responseStatus"] == {"metadata": {}, "code": 201}
        await api.patch(MAPS + "/a", {"data": {"y": "2"}})
        assert kept.last()["requestObject"] == {"data": {"y": "2"}}
        await api.put(MAPS + "/a", {**made, "data": {}, "metadata": {**made["metadata"], "resourceVersion": ""}})
        assert kept.last()["objectRef"]["uid"] == made["metadata"]["uid"]
        await api.delete(MAPS + "/a", {"gracePeriodSeconds": 0})
        event = kept.last()
        assert event["requestObject"]["gracePeriodSeconds"] == 0
        assert event["responseStatus"]["status"] == "Success"


async def test_at_level_request_there_is_no_answer() -> None:
    async with audited(COMPLETE | {"level": "Request"}) as (api, kept):
        await api.post(MAPS, config_map("a", x="1"))
        assert "requestObject" in kept.last()
        assert "responseObject" not in kept.last()


async def test_owners_of_fields_are_left_out_where_that_is_asked_for() -> None:
    async with audited(COMPLETE | {"level": "RequestResponse"}, omitManagedFields=True) as (api, kept):
        made = await api.post(MAPS, config_map("a", x="1"))
        assert made["metadata"]["managedFields"]
        await api.put(MAPS + "/a", made)
        await api.get(MAPS)
        for line in kept.lines:
            assert b"managedFields" not in line
        # What is kept is not touched.
        assert (await api.get(MAPS + "/a"))["metadata"]["managedFields"]


@pytest.mark.parametrize(
    "accept",
    ["application/yaml", "application/vnd.kubernetes.protobuf", "application/json;as=Table;g=meta.k8s.io;v=v1"],
)
async def test_whatever_the_client_takes_answers_are_shown_as_json(accept: str) -> None:
    async with audited(COMPLETE | {"level": "RequestResponse"}) as (api, kept):
        await api.post(MAPS, config_map("a", x="1"))
        await api.raw("GET", MAPS, headers={"accept": accept})
        listed = kept.last()["responseObject"]
        assert "a" in json.dumps(listed)
        await api.raw("GET", MAPS + "/b", headers={"accept": accept})
        assert kept.last()["responseStatus"]["reason"] == "NotFound"


async def test_a_watch_is_noted_when_it_begins_and_when_it_ends() -> None:
    async with audited(COMPLETE | {"level": "RequestResponse"}) as (api, kept):
        answer = await api.raw("GET", MAPS + "?watch=1")
        assert kept.stages() == ["ResponseStarted"]
        assert not isinstance(answer.body, bytes)
        await answer.body.aclose()  # type: ignore[attr-defined]
        assert kept.stages() == ["ResponseStarted", "ResponseComplete"]
        assert kept.last()["responseStatus"] == {"metadata": {}, "code": 200}
        assert "responseObject" not in kept.last()
        await answer.body.aclose()  # type: ignore[attr-defined]
        assert len(kept.lines) == 2


async def test_bad_requests_and_those_nobody_knows_are_noted() -> None:
    async with audited() as (api, kept):
        await api.post(MAPS, b"{nonsense", code=400)
        assert kept.last()["responseStatus"]["code"] == 400
        assert kept.last()["annotations"]["authorization.k8s.io/decision"] == "allow"
        kept.lines.clear()
        await api.as_(None).raw("GET", MAPS, headers={"authorization": "Bearer wrong"})
        assert kept.stages() == ["ResponseStarted"]
        assert kept.last()["user"] == {}
        assert kept.last()["responseStatus"] == {
            "metadata": {},
            "status": "Failure",
            "message": "Unauthorized",
            "reason": "Unauthorized",
            "code": 401,
        }
        assert b"wrong" not in b"".join(kept.lines)


async def test_who_is_impersonated_is_told() -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):
        await api.raw("GET", MAPS, headers={"impersonate-user": "eve", "impersonate-group": "ops"})
        event = kept.last()
        assert event["user"]["username"] == "admin"
        assert event["impersonatedUser"]["username"] == "eve"
        assert "ops" in event["impersonatedUser"]["groups"]
        assert event["authenticationMetadata"] == {"impersonationConstraint": "impersonate:user-info"}
        assert event["responseStatus"]["code"] == 403


async def test_a_handler_that_fails_is_a_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    async with audited() as (api, kept):

        def broken(*_: object) -> object:
            raise ZeroDivisionError("boom")

        monkeypatch.setattr(api.app.health, "get", broken)
        await api.get("/version", code=500)
        assert kept.stages() == ["RequestReceived", "Panic"]
        assert kept.last()["responseStatus"] == {
            "metadata": {},
            "status": "Failure",
            "message": "APIServer panic'd: ZeroDivisionError",
            "reason": "InternalError",
            "code": 500,
        }


async def test_a_request_that_must_not_be_served_without_its_event_is_refused() -> None:
    async with audited() as (api, kept):
        kept.refuses = True
        await api.post(MAPS, config_map("a"), code=500)
        kept.refuses = False
        assert (await api.get(MAPS))["items"] == []
        assert api.app.audit is not None
        told = [line for metric in api.app.audit.metrics() for line in metric.lines()]
        assert "apiserver_audit_requests_rejected_total 1" in told


async def test_a_slow_sink_is_waited_for() -> None:
    async with audited() as (api, kept):
        gate = asyncio.Event()

        async def later() -> bool:
            await gate.wait()
            return True

        kept.later = later
        task = asyncio.ensure_future(api.post(MAPS, config_map("a")))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not task.done()
        assert kept.stages() == ["RequestReceived"]
        gate.set()
        await task
        assert kept.stages() == ["RequestReceived", "ResponseComplete"]


async def test_a_client_that_goes_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):

        async def endless(app: object, ctx: object) -> object:
            return await asyncio.Event().wait()

        monkeypatch.setattr(routing, "serve", endless)
        task = asyncio.ensure_future(api.raw("GET", MAPS))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert kept.last()["responseStatus"]["message"] == "Connection closed early"


async def test_tokens_that_are_given_out_are_not_shown() -> None:
    async with audited(COMPLETE | {"level": "RequestResponse"}) as (api, kept):
        answer = await api.post("/api/v1/namespaces/default/serviceaccounts/default/token", {"spec": {}})
        token = answer["status"]["token"]
        event = kept.last()
        assert token not in json.dumps(event)
        assert event["responseObject"]["status"]["expirationTimestamp"]
        assert event["annotations"]["authentication.kubernetes.io/issued-credential-id"].startswith("JTI=")


async def test_what_no_utf8_is_and_what_is_long_does_no_harm() -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):
        await api.raw("GET", "/x\udcff y%", headers={"user-agent": "a\udcff" + "b" * 2000})
        event = kept.last()
        assert event["requestURI"] == "/x%FF%20y%25"
        assert event["userAgent"].endswith("...TRUNCATED")
        assert len(event["userAgent"]) == 1024 + len("...TRUNCATED")


async def test_what_old_versions_and_policies_note_down_is_shown() -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):
        policy = {
            "metadata": {"name": "p"},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["configmaps"],
                        }
                    ]
                },
                "validations": [{"expression": "true"}],
                "auditAnnotations": [{"key": "seen", "valueExpression": "'for ' + string(object.metadata.name)"}],
            },
        }
        base = "/apis/admissionregistration.k8s.io/v1/"
        await api.post(base + "validatingadmissionpolicies", policy)
        binding = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Audit"]}}
        await api.post(base + "validatingadmissionpolicybindings", binding)
        await api.post(MAPS, config_map("named"))
        assert kept.last()["annotations"]["p/seen"] == "for named"


async def test_secrets_bodies_are_not_at_metadata() -> None:
    async with audited() as (api, kept):
        await api.post("/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "MARKER"}})
        await api.get("/api/v1/namespaces/default/secrets/s")
        assert b"MARKER" not in b"".join(kept.lines)
        assert b"requestObject" not in b"".join(kept.lines)


async def test_names_come_from_what_is_sent() -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):
        await api.post(PODS, pod("web"))
        assert kept.last()["objectRef"] == {
            "resource": "pods",
            "namespace": "default",
            "name": "web",
            "apiVersion": "v1",
        }
        await api.post("/apis/apps/v1/namespaces/default/deployments", {"metadata": {"generateName": "d"}}, code=422)
        assert "name" not in kept.last()["objectRef"]
        assert kept.last()["objectRef"]["apiGroup"] == "apps"


@pytest.mark.parametrize(("level", "shown"), [("Metadata", False), ("Request", True)])
async def test_changes_by_webhooks_are_shown_where_objects_are(level: str, shown: bool) -> None:
    async with audited(COMPLETE | {"level": level}) as (api, kept):

        async def mutate(review: Review) -> None:
            review.annotations["patch.webhook.admission.k8s.io/round_0_index_0"] = "MARKER"
            review.annotations["mutation.webhook.admission.k8s.io/round_0_index_0"] = "some"

        api.app.webhooks.mutate = mutate  # type: ignore[method-assign]
        await api.post(MAPS, config_map("a"))
        assert kept.last()["annotations"]["mutation.webhook.admission.k8s.io/round_0_index_0"] == "some"
        assert ("patch.webhook.admission.k8s.io/round_0_index_0" in kept.last()["annotations"]) is shown


async def test_what_cannot_be_noted_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):

        def broken(event: object) -> bool:
            raise ZeroDivisionError

        monkeypatch.setattr(api.app.audit, "emit", broken)
        assert (await api.get(MAPS))["items"] == []
        assert kept.lines == []
        assert api.app.audit is not None
        assert api.app.audit.errors.counts == {"event": 1}


async def test_a_connection_that_is_taken_over_begins_then(monkeypatch: pytest.MonkeyPatch) -> None:
    async with audited(COMPLETE | {"level": "Metadata"}) as (api, kept):
        gate = asyncio.Event()

        async def take() -> Hijacked:
            return Hijacked(None, None)  # type: ignore[arg-type]

        async def serve(app: object, ctx: Any) -> Response:
            await ctx.request.hijack()
            await gate.wait()
            return Response(0)

        async def later() -> bool:
            return True

        kept.later = later
        monkeypatch.setattr(routing, "serve", serve)
        request = Request("GET", PODS + "/a/exec", "command=id", user=SOMEBODY, hijack=take)
        task = asyncio.ensure_future(api.app.handle(request))
        for _ in range(3):
            await asyncio.sleep(0)
        assert kept.stages() == ["ResponseStarted"]
        assert kept.last()["responseStatus"] == {"metadata": {}, "code": 101}
        gate.set()
        await task
        assert kept.stages() == ["ResponseStarted", "ResponseComplete"]
        assert kept.last()["objectRef"]["subresource"] == "exec"
