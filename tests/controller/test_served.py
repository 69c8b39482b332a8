"""What is served, each stored resource once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steersman.api.http import Response, User
from steersman.client.rest import Client
from steersman.client.transport import InProcess
from steersman.controller.served import discover

VERBS = ["delete", "get", "list", "watch"]


def resource(name: str, kind: str, storage: str) -> dict[str, Any]:
    return {"name": name, "kind": kind, "namespaced": True, "verbs": VERBS, "storageVersionHash": storage}


VERSIONS = {
    "v1": [resource("pods", "Pod", "p"), resource("pods/log", "Pod", ""), resource("events", "Event", "e")],
    "apps/v1": [resource("deployments", "Deployment", "d")],
    "apps/v1beta1": [resource("deployments", "Deployment", "d"), resource("odds", "Odd", "")],
    "events.k8s.io/v1": [resource("events", "Event", "e")],
    "extensions/v1beta1": [resource("deployments", "Deployment", "d"), resource("odds", "Odd", "")],
}


@pytest.fixture
def client() -> Client:
    async def handle(request: Any) -> Response:
        path = request.path
        if path == "/apis":
            names = [v for v in VERSIONS if "/" in v]
            groups = {v.partition("/")[0]: [w for w in names if w.startswith(v.partition("/")[0] + "/")] for v in names}
            listed = [{"name": g, "versions": [{"groupVersion": v} for v in vs]} for g, vs in groups.items()]
            return Response(200, {}, json.dumps({"groups": listed}).encode())
        version = path.removeprefix("/apis/").removeprefix("/api/")
        return Response(200, {}, json.dumps({"groupVersion": version, "resources": VERSIONS[version]}).encode())

    return Client(InProcess(handle, User("tester")))


async def test_what_another_group_serves_as_well_is_told_apart(client: Client) -> None:
    found = await discover(client)
    assert [(s.resource.api_version, s.resource.plural) for s in found.resources] == [
        ("v1", "events"),
        ("v1", "pods"),
        ("apps/v1", "deployments"),
        ("apps/v1beta1", "odds"),
        ("extensions/v1beta1", "odds"),
    ]
    assert [(other.api_version, other.kind, own.api_version) for other, own in found.others] == [
        ("events.k8s.io/v1", "Event", "v1"),
        ("extensions/v1beta1", "Deployment", "apps/v1"),
    ]
    assert not found.failures
