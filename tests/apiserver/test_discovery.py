"""Discovery in both forms, and what else the root tells."""

import json

import pytest
from tests.apiserver.conftest import Api

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList,application/json"


async def test_core(api: Api) -> None:
    assert (await api.get("/api"))["versions"] == ["v1"]
    found = {r["name"]: r for r in (await api.get("/api/v1"))["resources"]}
    pods = found["pods"]
    assert pods["kind"] == "Pod"
    assert pods["namespaced"] is True
    assert pods["shortNames"] == ["po"]
    assert pods["singularName"] == "pod"
    assert set(pods["verbs"]) == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    assert found["pods/status"]["verbs"] == ["get", "patch", "update"]
    assert found["pods/eviction"]["group"] == "policy"
    assert found["pods/exec"]["kind"] == "PodExecOptions"
    assert found["bindings"]["verbs"] == ["create"]


async def test_groups(api: Api) -> None:
    groups = {g["name"]: g for g in (await api.get("/apis"))["groups"]}
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert (await api.get("/apis/apps"))["name"] == "apps"
    assert [v["version"] for v in groups["autoscaling"]["versions"]] == ["v2", "v1", "v2beta2", "v2beta1"]
    resources = {r["name"]: r for r in (await api.get("/apis/apps/v1"))["resources"]}
    assert resources["deployments/scale"] == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    }


@pytest.mark.parametrize("path", ["/apis/no", "/apis/no/v1", "/apis/apps/v9", "/api/v2"])
async def test_absent(api: Api, path: str) -> None:
    await api.get(path, code=404)


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_aggregated(api: Api, version: str) -> None:
    headers = {"accept": AGGREGATED.format(version)}
    core = await api.raw("GET", "/api", headers=headers)
    assert (
        core.headers["Content-Type"] == f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    )
    assert isinstance(core.body, bytes)
    document = json.loads(core.body)
    assert document["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    pods = next(r for r in document["items"][0]["versions"][0]["resources"] if r["resource"] == "pods")
    assert pods["scope"] == "Namespaced"
    assert pods["responseKind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert {s["subresource"] for s in pods["subresources"]} >= {"status", "log", "exec"}
    again = await api.raw("GET", "/api", headers={**headers, "if-none-match": core.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    names = [g["metadata"]["name"] for g in (await api.get("/apis", headers=headers))["items"]]
    assert names[:2] == ["apiregistration.k8s.io", "apps"]


async def test_every_resource_listed_is_served(api: Api) -> None:
    groups = [f"/apis/{v['groupVersion']}" for g in (await api.get("/apis"))["groups"] for v in g["versions"]]
    for path in ("/api/v1", *groups):
        for resource in (await api.get(path))["resources"]:
            if "list" in resource["verbs"]:
                answer = await api.get(f"{path}/{resource['name']}")
                assert answer["kind"] == f"{resource['kind']}List"


async def test_openid(api: Api) -> None:
    document = await api.get("/.well-known/openid-configuration")
    assert document == {
        "issuer": "https://kubernetes.default.svc.cluster.local",
        "jwks_uri": "https://192.0.2.1:6443/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }
    assert (await api.get("/openid/v1/jwks"))["keys"][0]["alg"] == "ES256"
    for path, kind in (("/.well-known/openid-configuration", "json"), ("/openid/v1/jwks", "jwk-set+json")):
        headers = (await api.raw("GET", path)).headers
        assert headers["Content-Type"] == f"application/{kind}"
        assert headers["Cache-Control"] == "public, max-age=3600"


async def test_root(api: Api) -> None:
    paths = (await api.get("/"))["paths"]
    assert {"/api/v1", "/apis/apps/v1", "/version"} <= set(paths)
