"""What the typed client sends, and what it makes of the answers."""

from contextlib import aclosing
from urllib.parse import parse_qs

import msgspec
import pytest

from steersman.api.errors import Conflict, Expired, NotFound, StatusError
from steersman.api.http import Response
from steersman.client.metadata import PartialObject
from steersman.client.rest import Client
from steersman.kinds.types.core_v1 import Node, Pod
from steersman.kinds.types.meta_v1 import ObjectMeta

POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "default", "resourceVersion": "7"}}


def pod(**meta):
    return Pod(metadata=ObjectMeta(name="web", namespace="default", **meta))


CALLS = [
    (lambda c: c.get(Pod, "web", "default"), "GET", "/api/v1/namespaces/default/pods/web", None, None),
    (lambda c: c.create(pod()), "POST", "/api/v1/namespaces/default/pods", None, None),
    (lambda c: c.update(pod()), "PUT", "/api/v1/namespaces/default/pods/web", None, None),
    (lambda c: c.update_status(pod()), "PUT", "/api/v1/namespaces/default/pods/web/status", None, None),
    (
        lambda c: c.patch(Pod, "web", {"a": 1}, "default", "strategic", "status"),
        "PATCH",
        "/api/v1/namespaces/default/pods/web/status",
        "application/strategic-merge-patch+json",
        {"a": 1},
    ),
    (lambda c: c.delete(Pod, "web", "default"), "DELETE", "/api/v1/namespaces/default/pods/web", None, None),
    (
        lambda c: c.delete(Pod, "web", "default", uid="u", grace=0, propagation="Orphan"),
        "DELETE",
        "/api/v1/namespaces/default/pods/web",
        "application/json",
        {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": "u"},
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Orphan",
        },
    ),
    (
        lambda c: c.bind("default", "web", "n1"),
        "POST",
        "/api/v1/namespaces/default/pods/web/binding",
        "application/json",
        None,
    ),
]


@pytest.mark.parametrize(("call", "method", "path", "content_type", "body"), CALLS)
async def test_requests(script, call, method, path, content_type, body):
    transport = script.transport(script.answer(200, POD))
    await call(Client(transport))
    sent = transport.requests[0]
    assert (sent.method, sent.path) == (method, path)
    if content_type:
        assert sent.headers["content-type"] == content_type
    if body is not None:
        assert msgspec.json.decode(sent.body) == body


async def test_get_decodes(script):
    found = await Client(script.transport(script.answer(200, POD))).get(Pod, "web", "default")
    assert found.metadata.resourceVersion == "7"


async def test_a_newer_server_is_understood(script):
    newer = {**POD, "spec": {"containers": None, "brandNew": 1}}
    found = await Client(script.transport(script.answer(200, newer))).get(Pod, "web", "default")
    assert found.metadata.name == "web"


async def test_delete_tells_the_version_of_the_change(script):
    assert await Client(script.transport(script.answer(200, POD))).delete(Pod, "web", "default") == "7"
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    assert await Client(script.transport(script.answer(200, status))).delete(Pod, "web", "default") == ""


@pytest.mark.parametrize(
    ("unchanged", "expected"), [(False, {"uid": "u"}), (True, {"uid": "u", "resourceVersion": "7"})]
)
async def test_what_was_seen_is_deleted_and_nothing_else(script, unchanged, expected):
    missing = {"kind": "Status", "reason": "NotFound", "message": "gone", "code": 404}
    other = {"kind": "Status", "reason": "Conflict", "message": "another", "code": 409}
    transport = script.transport(script.answer(200, POD), script.answer(404, missing), script.answer(409, other))
    client, seen = Client(transport), pod(uid="u", resourceVersion="7")
    assert await client.delete_seen(seen, unchanged=unchanged) == "7"
    assert msgspec.json.decode(transport.requests[0].body)["preconditions"] == expected
    assert await client.delete_seen(seen, unchanged=unchanged) is None
    with pytest.raises(Conflict):
        await client.delete_seen(seen, unchanged=unchanged)


async def test_list_pages(script):
    page = {"kind": "PodList", "metadata": {"resourceVersion": "9", "continue": "more"}, "items": [POD]}
    transport = script.transport(
        script.answer(200, page), script.answer(200, {"metadata": {"resourceVersion": "9"}, "items": None})
    )
    client = Client(transport)
    first = await client.list(Pod, labels="app=web", fields="spec.nodeName=n1", limit=1)
    assert ([p.metadata.name for p in first.items], first.resource_version, first.next) == (["web"], "9", "more")
    assert parse_qs(transport.requests[0].query) == {
        "labelSelector": ["app=web"],
        "fieldSelector": ["spec.nodeName=n1"],
        "limit": ["1"],
    }
    rest = await client.list(Pod, after=first.next)
    assert (rest.items, rest.next) == ([], "")


ERRORS = [
    (404, {"kind": "Status", "reason": "NotFound", "message": "gone", "code": 404}, NotFound),
    (409, {"kind": "Status", "reason": "Conflict", "message": "no", "code": 409}, Conflict),
    (418, {"kind": "Teapot"}, StatusError),
]


@pytest.mark.parametrize(("status", "body", "error"), ERRORS)
async def test_errors(script, status, body, error):
    with pytest.raises(error) as caught:
        await Client(script.transport(script.answer(status, body))).get(Node, "n")
    assert caught.value.code == status


async def test_an_error_that_is_no_status(script):
    with pytest.raises(StatusError, match="upstream died"):
        await Client(script.transport(Response(502, {}, b"upstream died\n"))).get(Node, "n")


def event(type_, obj):
    return msgspec.json.encode({"type": type_, "object": obj}) + b"\n"


async def test_watch_events_may_be_split_anywhere(script):
    data = event("ADDED", POD) + event("BOOKMARK", {**POD, "metadata": {"resourceVersion": "12"}})
    for size in (1, 7, 64, 10_000):
        chunks = [data[i : i + size] for i in range(0, len(data), size)]
        events = [e async for e in Client(script.transport(script.stream(*chunks))).watch(Pod)]
        assert [(e.type, e.object.metadata.resourceVersion) for e in events] == [("ADDED", "7"), ("BOOKMARK", "12")]


async def test_watch_raises_the_error_event(script):
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "reason": "Expired", "message": "old", "code": 410}
    with pytest.raises(Expired):
        _ = [e async for e in Client(script.transport(script.stream(event("ERROR", status)))).watch(Pod)]


async def test_leaving_a_watch_closes_its_stream(script):
    closed = []

    async def body():
        try:
            while True:
                yield event("ADDED", POD)
        finally:
            closed.append(True)

    async with aclosing(Client(script.transport(Response(200, {}, body()))).watch(Pod)) as events:
        async for _ in events:
            break
    assert closed == [True]


async def test_metadata_only(script):
    meta = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": POD["metadata"] | {"labels": {}},
    }
    transport = script.transport(script.answer(200, {"metadata": {"resourceVersion": "3"}, "items": [meta]}))
    page = await Client(transport).list(PartialObject, resource=Pod.__resource__)
    assert transport.requests[0].path == "/api/v1/pods"
    assert "as=PartialObjectMetadataList" in transport.requests[0].headers["accept"]
    assert page.items[0].metadata.name == "web"
