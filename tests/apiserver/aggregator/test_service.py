"""A whole API server behind this one: requests, watches, discovery, OpenAPI, and what happens when it comes and goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.apiserver.aggregator.conftest import (
    FLUNDER,
    FLUNDERS,
    GROUP,
    NAME,
    SERVICES,
    Outer,
    Sample,
    api_service,
    until,
)
from tests.apiserver.conftest import CATALOG
from tests.apiserver.crd.conftest import CRDS, definition, version

from steersman.api.http import User
from steersman.apiserver.server import App

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


@pytest.fixture
async def joined(outer: Outer, sample: Sample) -> Outer:
    """The aggregated server is available, and what it serves is known."""
    await outer.serve(sample.port)
    await outer.post(SERVICES, api_service())
    assert await outer.wait("Passed") == ("True", "Passed", "all checks passed")
    await outer.wait_fresh()
    return outer


async def test_requests_are_passed_on(joined: Outer, sample: Sample) -> None:
    made = await joined.post(FLUNDERS, FLUNDER)
    assert made["spec"] == {"reference": "a"}
    assert (await sample.api.get(f"{FLUNDERS}/f"))["metadata"]["uid"] == made["metadata"]["uid"]
    await joined.patch(f"{FLUNDERS}/f", {"spec": {"reference": "b"}})
    listed = await joined.get(f"{FLUNDERS}?limit=5")
    assert [f["spec"]["reference"] for f in listed["items"]] == ["b"]
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert (await joined.get(FLUNDERS, headers={"accept": table}))["kind"] == "Table"
    status = await joined.post(FLUNDERS, FLUNDER, code=409)
    assert status["reason"] == "AlreadyExists"
    await joined.delete(f"{FLUNDERS}/f")
    assert (await joined.get(FLUNDERS))["items"] == []
    assert (await joined.get(f"/apis/{GROUP}/v1alpha1"))["resources"][0]["name"] == "flunders"


async def test_watches_are_streamed(joined: Outer) -> None:
    answer = await joined.raw("GET", f"{FLUNDERS}?watch=true")
    assert not isinstance(answer.body, bytes)
    await joined.post(FLUNDERS, FLUNDER)
    event = json.loads(await anext(answer.body))
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "f")
    await joined.delete(f"{FLUNDERS}/f")
    assert json.loads(await anext(answer.body))["type"] == "DELETED"
    await answer.body.aclose()  # type: ignore[attr-defined]


async def test_rights_are_decided_here_first_and_there_again(joined: Outer) -> None:
    joe = joined.as_(User("joe", ("system:authenticated",)))
    refused = await joe.get(FLUNDERS, code=403)
    assert refused["message"].startswith(f'flunders.{GROUP} is forbidden: User "joe" cannot list')
    role = {"metadata": {"name": "r"}, "rules": [{"verbs": ["*"], "apiGroups": [GROUP], "resources": ["*"]}]}
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "joe"}],
    }
    await joined.post("/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
    await joined.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    # Now it is the other server that knows joe by name and has nothing for him.
    refused = await joe.get(FLUNDERS, code=403)
    assert 'User "joe" cannot list' in refused["message"]
    assert (await joined.get(FLUNDERS))["items"] == []


async def test_discovery(joined: Outer) -> None:
    groups = [g["name"] for g in (await joined.get("/apis"))["groups"]]
    assert groups[0] == "apiregistration.k8s.io"
    assert groups.index(GROUP) > groups.index("storagemigration.k8s.io")
    group = await joined.get(f"/apis/{GROUP}")
    assert group["preferredVersion"] == {"groupVersion": f"{GROUP}/v1alpha1", "version": "v1alpha1"}
    assert f"/apis/{GROUP}/v1alpha1" in (await joined.get("/"))["paths"]
    found = (await joined.discovered())["v1alpha1"]
    assert [r["resource"] for r in found["resources"]] == ["flunders"]
    assert found["resources"][0]["shortNames"] == ["fl"]
    assert found["resources"][0]["responseKind"]["kind"] == "Flunder"
    old = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
    names = [i["metadata"]["name"] for i in (await joined.get("/apis", headers={"accept": old}))["items"]]
    assert names == groups


async def test_discovery_follows_the_server(joined: Outer, sample: Sample) -> None:
    await sample.api.post(CRDS, definition("Fischer", group=GROUP, plural="fischers"))
    # It is asked again when its endpoints change, and every half minute.
    await joined.clock.advance(31)
    await joined.clock.advance(1)

    async def look() -> Any:
        return len((await joined.discovered()).get("v1", {}).get("resources") or ()) == 0

    await until(look)


async def test_openapi(joined: Outer) -> None:
    definition_name = "com.example.wardle.v1alpha1.Flunder"

    async def listed() -> Any:
        return f"apis/{GROUP}/v1alpha1" in (await joined.get("/openapi/v3"))["paths"]

    async def look() -> Any:
        return definition_name in (await joined.get("/openapi/v2"))["definitions"]

    # The whole description takes long to make: it is not asked for before there is something in it.
    await until(listed)
    await until(look)
    document = await joined.get("/openapi/v2")
    path = f"/apis/{GROUP}/v1alpha1/namespaces/{{namespace}}/flunders"
    assert path in document["paths"]
    assert "/api/v1/namespaces/{namespace}/pods" in document["paths"]
    raw = await joined.raw("GET", "/openapi/v2", headers={"accept": PROTOBUF})
    assert isinstance(raw.body, bytes)
    assert path.encode() in raw.body
    index = (await joined.get("/openapi/v3"))["paths"]
    url = index[f"apis/{GROUP}/v1alpha1"]["serverRelativeURL"]
    assert url.startswith(f"/openapi/v3/apis/{GROUP}/v1alpha1?hash=")
    assert definition_name in (await joined.get(url))["components"]["schemas"]
    await joined.delete(f"{SERVICES}/{NAME}")
    assert path not in (await joined.get("/openapi/v2"))["paths"]
    assert f"apis/{GROUP}/v1alpha1" not in (await joined.get("/openapi/v3"))["paths"]


async def test_deletion_ends_it_at_once(joined: Outer) -> None:
    await joined.delete(f"{SERVICES}/{NAME}")
    await joined.get(FLUNDERS, code=404)
    await joined.get(f"/apis/{GROUP}", code=404)
    await joined.get(f"/apis/{GROUP}/v1alpha1", code=404)
    assert await joined.discovered() == {}


async def test_a_server_that_goes_and_comes_back(joined: Outer, sample: Sample) -> None:
    await joined.no_endpoint()
    assert (await joined.wait("EndpointsNotFound"))[2] == 'cannot find endpointslices for service/api in "wardle"'
    answer = await joined.raw("GET", FLUNDERS)
    assert (answer.status, answer.body) == (503, b"service unavailable\n")
    assert answer.headers["Content-Type"].startswith("text/plain")

    async def look() -> Any:
        return (await joined.discovered())["v1alpha1"]["freshness"] == "Stale"

    await until(look)
    # What was known is still told.
    assert (await joined.discovered())["v1alpha1"]["resources"]
    assert GROUP in [g["name"] for g in (await joined.get("/apis"))["groups"]]
    await joined.endpoint(sample.port)
    await joined.wait("Passed")
    await joined.wait_fresh()
    assert (await joined.get(FLUNDERS))["items"] == []


async def test_changes_of_the_apiservice_itself(joined: Outer) -> None:
    path = f"{SERVICES}/{NAME}"
    await joined.patch(path, {"metadata": {"labels": {"e2e": "yes"}}, "spec": {"versionPriority": 400}})
    assert (await joined.get(path))["spec"]["versionPriority"] == 400
    found = await joined.get(f"{path}/status")
    found["status"]["conditions"].append({"type": "StatusUpdated", "status": "True", "reason": "E2E", "message": "set"})
    found["metadata"]["labels"] = {"not": "taken"}
    await joined.put(f"{path}/status", found)
    await joined.no_endpoint()
    await joined.wait("EndpointsNotFound")
    found = await joined.get(path)
    assert found["metadata"]["labels"] == {"e2e": "yes"}
    assert [c["type"] for c in found["status"]["conditions"]] == ["Available", "StatusUpdated"]
    await joined.delete(f"{SERVICES}?labelSelector=e2e%3Dyes")
    await joined.get(path, code=404)
    await joined.get(FLUNDERS, code=404)


async def test_two_versions_one_server(joined: Outer, sample: Sample) -> None:
    await joined.post(SERVICES, api_service("v1", versionPriority=300))
    await joined.wait("FailedDiscoveryCheck", f"v1.{GROUP}")
    versions = (await joined.get(f"/apis/{GROUP}"))["versions"]
    assert [v["version"] for v in versions] == ["v1", "v1alpha1"]
    assert (await joined.discovered())["v1"] == {"version": "v1", "freshness": "Stale"}
    await sample.api.post(CRDS, definition("Fischer", group=GROUP, plural="fischers"))

    async def look() -> Any:
        await joined.clock.advance(1)
        return (await joined.discovered())["v1"]["freshness"] == "Current"

    await until(look)
    assert [r["resource"] for r in (await joined.discovered())["v1"]["resources"]] == ["fischers"]
    # The other version has been taken away here only.
    await joined.delete(f"{SERVICES}/{NAME}")
    await joined.get(FLUNDERS, code=404)
    assert (await joined.get(f"/apis/{GROUP}/v1/namespaces/default/fischers"))["items"] == []


async def test_it_is_served_again_after_a_restart(joined: Outer) -> None:
    app = App(joined.app.store, joined.clock, joined.app.config, catalog=CATALOG)
    await app.start()
    again = replace(joined, app=app)
    assert (await again.get(FLUNDERS))["items"] == []
    assert (await again.discovered())["v1alpha1"]["freshness"] == "Stale"
    await app.close()


async def test_a_custom_resource_gives_way_to_another_server(joined: Outer) -> None:
    """As long as there is an APIService with a service, requests for its group version go there."""
    await joined.post(CRDS, definition("Mine", version("v1alpha1"), group=GROUP, plural="mines"))

    async def served() -> Any:
        return any(s.resource.plural == "mines" for s in joined.app.custom.served)

    await until(served)
    mines = f"/apis/{GROUP}/v1alpha1/namespaces/default/mines"
    await joined.get(mines, code=404)
    await joined.delete(f"{SERVICES}/{NAME}")
    assert (await joined.get(mines))["items"] == []
