"""What an aggregated server is sent, what clients get back, and what they are told when there is nothing to get."""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.aggregator.conftest import (
    FLUNDERS,
    GROUP,
    HOST,
    NAME,
    SERVICES,
    Outer,
    Told,
    api_service,
    serving,
    until,
)

from steersman.api.http import Hijacked, Request, Response, User
from steersman.apiserver.webhook.client import Address, WebhookClient, WebhookFailure

DISCOVERY = f"/apis/{GROUP}/v1alpha1"
JOE = User("joe", ("a", "system:masters"), "u-1", {"Example.com/Scopes": ("x", "y")})


@pytest.fixture
async def joined(outer: Outer, told: Told) -> Outer:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("Passed")
    await outer.wait_fresh()
    told.asked.clear()
    return outer


async def read(response: Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b"".join([c async for c in response.body])


async def test_who_asks(joined: Outer, told: Told) -> None:
    told.answer(FLUNDERS, {"items": []})
    headers = {
        "authorization": "Basic secret",
        "x-remote-user": "somebody",
        "x-remote-group": "system:nodes",
        "x-remote-extra-other": "o",
        "x_remote_user": "somebody",
        "x-remote_group": "system:nodes",
        "x_remote_extra_other": "o",
        "impersonate_user": "somebody",
        "x-forwarded-for": "192.0.2.9",
        "host": "steersman:6443",
        "accept": "application/yaml",
        "x-mine": "kept",
        "connection": "keep-alive, x-hop",
    }
    path, query = f"{FLUNDERS}", "labelSelector=a%3Db&limit=1"
    request = Request("GET", path, query, headers, user=JOE, remote="192.0.2.1")
    assert await read(await joined.app.handle(request)) == b'{"items": []}'
    asked = told.last(path)
    assert asked.query_string == query
    sent = {
        name: asked.headers.getall(name)
        for name in asked.headers
        if name.startswith("X-") or name in ("Accept", "Host", "Authorization")
    }
    assert sent == {
        "Accept": ["application/yaml"],
        "Host": ["steersman:6443"],
        "X-Forwarded-For": ["192.0.2.9, 192.0.2.1"],
        "X-Forwarded-Host": ["steersman:6443"],
        "X-Forwarded-Uri": [path],
        "X-Remote-User": ["joe"],
        "X-Remote-Uid": ["u-1"],
        "X-Remote-Group": ["a", "system:masters", "system:authenticated"],
        "X-Remote-Extra-Example.com%2FScopes": ["x", "y"],
    }
    assert asked.headers["x-mine"] == "kept"
    assert not [name for name in asked.headers if "_" in name]


async def test_who_is_impersonated_asks(joined: Outer, told: Told) -> None:
    told.answer(FLUNDERS, {})
    headers = {"impersonate-user": "ann", "impersonate-group": "system:masters"}
    await joined.get(FLUNDERS, headers=headers)
    asked = told.last(FLUNDERS).headers
    assert asked["X-Remote-User"] == "ann"
    assert "Impersonate-User" not in asked


async def test_bodies_and_answers(joined: Outer, told: Told) -> None:
    told.answer(FLUNDERS, {"kind": "Flunder"}, 201, {"Warning": '299 - "x"', "Access-Control-Allow-Origin": "*"})
    answer = await joined.raw("POST", FLUNDERS, b"\x00raw", {"content-type": "application/octet-stream"})
    assert (answer.status, answer.headers["Warning"]) == (201, '299 - "x"')
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert await read(answer) == b'{"kind": "Flunder"}'
    assert told.bodies[-1] == b"\x00raw"
    assert told.last(FLUNDERS).headers["Content-Type"] == "application/octet-stream"


async def test_redirects_are_refused(joined: Outer, told: Told) -> None:
    told.answer(FLUNDERS, {}, 302, {"Location": "https://elsewhere"})
    answer = await joined.raw("GET", FLUNDERS)
    assert answer.status == 502
    assert b"attempted to redirect this request, which is not permitted" in await read(answer)


async def test_a_server_that_cannot_be_reached(joined: Outer, told: Told) -> None:
    await joined.no_endpoint()
    await joined.wait("EndpointsNotFound")
    # The condition as it is stored decides, whatever has become of the server.
    stored = await joined.get(f"{SERVICES}/{NAME}")
    stored["status"]["conditions"][0] |= {"status": "True", "reason": "Passed", "message": ""}
    await joined.put(f"{SERVICES}/{NAME}/status", stored)
    answer = await joined.raw("GET", FLUNDERS)
    assert (answer.status, await read(answer)) == (503, b"service unavailable\n")
    await joined.endpoint(1)
    answer = await joined.raw("GET", FLUNDERS)
    assert answer.status == 503
    text = f"error trying to reach service: dial tcp {HOST}:1: connect: connection refused\n"
    assert (await read(answer)).decode() == text


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_answer_that_does_not_come(joined: Outer, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.apiserver.aggregator.proxy._SECONDS", 0.01)
    told.answers[FLUNDERS] = never
    status = await joined.get(FLUNDERS, code=504)
    assert status["reason"] == "Timeout"
    assert "request did not complete within requested timeout" in status["message"]


async def test_discovery_must_be_quick(joined: Outer, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.apiserver.aggregator.proxy._DISCOVERY_SECONDS", 0.01)
    told.answers[DISCOVERY] = never
    answer = await joined.raw("GET", DISCOVERY)
    assert answer.status == 503
    assert await read(answer) == b"error trying to reach service: context deadline exceeded\n"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, ""),
        ({"caBundle": "", "insecureSkipTLSVerify": True}, ""),
        ({"caBundle": ""}, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        (
            {"caBundle": base64.b64encode(b"x").decode()},
            "unable to load root certificates: unable to parse bytes as PEM",
        ),
    ],
)
async def test_trust(outer: Outer, told: Told, spec: dict[str, Any], message: str) -> None:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service(**spec))
    found = await outer.wait("FailedDiscoveryCheck" if message else "Passed")
    assert message in found[2]


async def test_another_name(outer: Outer, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*serving(tmp_path, "other.wardle.svc"))
    server = await asyncio.start_server(lambda r, w: w.close(), HOST, 0, ssl=context)
    await outer.serve(server.sockets[0].getsockname()[1])
    await outer.post(SERVICES, api_service())
    found = await outer.wait("FailedDiscoveryCheck")
    assert "x509: certificate is not valid for this name" in found[2]
    server.close()


async def test_certificates_of_nobody_are_told_from_the_front_proxys(outer: Outer, told: Told) -> None:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    await outer.wait("Passed")
    asked = told.last(DISCOVERY)
    assert asked.transport is not None
    subject = dict(pair[0] for pair in asked.transport.get_extra_info("peercert")["subject"])
    assert subject["commonName"] == "front-proxy-client"
    assert asked.headers["X-Remote-User"] == "system:kube-aggregator"
    assert asked.headers.getall("X-Remote-Group") == ["system:masters"]


class Client:
    """A client's end of a connection that is taken over."""

    def __init__(self) -> None:
        self.ours: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.theirs: Hijacked | None = None

    async def open(self) -> None:
        arrived = asyncio.get_running_loop().create_future()
        server = await asyncio.start_server(lambda r, w: arrived.set_result(Hijacked(r, w)), HOST, 0)
        self.ours = await asyncio.open_connection(*server.sockets[0].getsockname())
        self.theirs = await arrived
        server.close()

    async def hijack(self) -> Hijacked:
        assert self.theirs is not None
        return self.theirs


async def test_upgrades(joined: Outer, told: Told) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{request.headers['X-Remote-User']} {message.data}")
            break
        await socket.close()
        return socket

    path = f"{FLUNDERS}/f/exec"
    told.answers[path] = echo
    client = Client()
    await client.open()
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-protocol": "v4.channel.k8s.io",
        "x-remote-user": "nobody",
    }
    request = Request("GET", path, "command=a", headers, user=JOE, hijack=client.hijack)
    handled = asyncio.ensure_future(joined.app.handle(request))
    assert client.ours is not None
    reader, writer = client.ours
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"v4.channel.k8s.io" in head
    # A text frame of two bytes, masked with zeros.
    writer.write(b"\x81\x82\x00\x00\x00\x00hi")
    assert await reader.readexactly(8) == b"\x81\x06joe hi"
    assert told.last(path).query_string == "command=a"
    writer.close()
    assert (await handled).status == 0


async def test_an_upgrade_that_is_refused(joined: Outer, told: Told) -> None:
    path = f"{FLUNDERS}/f/exec"
    told.answer(path, {"message": "no"}, 403)
    headers = {"connection": "upgrade", "upgrade": "SPDY/3.1"}
    answer = await joined.app.handle(Request("POST", path, "", headers, user=JOE, hijack=Client().hijack))
    assert (answer.status, await read(answer)) == (403, b'{"message": "no"}')


async def test_legacy_discovery(outer: Outer, told: Told) -> None:
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())
    found = await outer.wait_fresh()
    assert found == {
        "version": "v1alpha1",
        "freshness": "Current",
        "resources": [
            {
                "resource": "flunders",
                "responseKind": {"group": GROUP, "version": "v1alpha1", "kind": "Flunder"},
                "scope": "Namespaced",
                "singularResource": "flunder",
                "verbs": ["get", "list"],
                "subresources": [
                    {
                        "subresource": "status",
                        "responseKind": {"group": GROUP, "version": "v1alpha1", "kind": "Flunder"},
                        "verbs": ["get"],
                    }
                ],
            }
        ],
    }


async def test_descriptions_of_a_server_without_version_three(outer: Outer, told: Told) -> None:
    path = f"{DISCOVERY}/namespaces/{{namespace}}/flunders"
    told.answer(
        "/openapi/v2",
        {
            "swagger": "2.0",
            "parameters": {"ns": {"name": "namespace", "in": "path", "type": "string", "required": True}},
            "paths": {
                path: {
                    "parameters": [{"$ref": "#/parameters/ns"}],
                    "post": {
                        "operationId": "create",
                        "consumes": ["*/*"],
                        "parameters": [{"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Flunder"}}],
                        "responses": {"200": {"schema": {"$ref": "#/definitions/Flunder"}}, "401": {}},
                    },
                },
                "/other": {},
            },
            "definitions": {"Flunder": {"type": "object"}, "Unused": {}},
        },
    )
    await outer.serve(told.port)
    await outer.post(SERVICES, api_service())

    async def listed() -> Any:
        return f"apis/{GROUP}/v1alpha1" in (await outer.get("/openapi/v3"))["paths"]

    async def look() -> Any:
        return path in (await outer.get("/openapi/v2"))["paths"]

    # The whole description takes long to make: it is not asked for before there is something in it.
    await until(listed)
    await until(look)
    whole = await outer.get("/openapi/v2")
    assert "/other" not in whole["paths"]
    assert "Unused" not in whole["definitions"]
    assert whole["paths"][path]["parameters"][0]["name"] == "namespace"
    pb = await outer.raw(
        "GET", "/openapi/v2", headers={"accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    )
    assert path.encode() in await read(pb)
    url = (await outer.get("/openapi/v3"))["paths"][f"apis/{GROUP}/v1alpha1"]["serverRelativeURL"]
    document = await outer.get(url)
    assert document["components"]["schemas"] == {"Flunder": {"type": "object"}}
    created = document["paths"][path]["post"]
    reference = {"schema": {"$ref": "#/components/schemas/Flunder"}}
    assert created["requestBody"] == {"required": False, "content": {"*/*": reference}}
    assert created["responses"]["200"]["content"] == {"application/json": reference}


@pytest.mark.parametrize(
    "path",
    [
        f"{FLUNDERS}/a%2Fstatus",
        f"{DISCOVERY}/namespaces/a%2Fb/flunders",
        f"{DISCOVERY}/namespaces/a/../b/flunders",
        f"{DISCOVERY}/namespaces/a/flunders/../../b/flunders",
        f"{DISCOVERY}/namespaces/a/flunders/x/proxy/../../../../b/flunders",
        f"{FLUNDERS}/.",
        f"{DISCOVERY}/namespaces/a//namespaces/b/flunders",
    ],
)
async def test_no_path_is_another_one_to_the_server(joined: Outer, told: Told, path: str) -> None:
    await joined.get(path, code=404)
    assert not told.asked


async def test_the_path_that_was_asked_for_is_told_escaped(joined: Outer, told: Told) -> None:
    await read(await joined.app.handle(Request("GET", f"{FLUNDERS}/a\rx-remote-user: b?c", user=JOE)))
    [asked] = told.asked
    assert asked.headers["X-Forwarded-Uri"] == f"{FLUNDERS}/a%0Dx-remote-user:%20b%3Fc"


async def test_webhooks_may_be_there(joined: Outer, told: Told) -> None:
    told.answer(f"{DISCOVERY}/reviews", {"kind": "AdmissionReview"})
    client = WebhookClient(joined.app.registries, joined.app.backends, joined.app.aggregator.ask)
    address = Address("kubernetes.default.svc", 443, f"{DISCOVERY}/reviews", service=("default", "kubernetes"))
    assert b"AdmissionReview" in await client.call(address, b"{}", 10.0)
    assert told.asked[-1].headers["X-Remote-User"] == "system:apiserver"
    with pytest.raises(WebhookFailure, match="could not find the requested resource"):
        await client.call(replace(address, path="/apis/apps/v1/reviews"), b"{}", 10.0)
