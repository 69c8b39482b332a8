"""The OpenAPI documents: what kubectl looks for is in them, in each form."""

from typing import Any

import msgspec
import pytest

from steersman.api.errors import NotAcceptable, NotFound
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.kinds import catalog

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


@pytest.fixture(scope="module")
def service() -> OpenAPIService:
    return OpenAPIService(catalog.load(), "v1.37.0")


async def fetch(service: OpenAPIService, path: str, accept: str = "application/json") -> dict[str, Any]:
    response = await service.get(path, accept, "")
    assert response.status == 200
    assert isinstance(response.body, bytes)
    return dict(msgspec.json.decode(response.body))


async def test_v3_index_names_every_group_version(service: OpenAPIService) -> None:
    paths = (await fetch(service, "/openapi/v3"))["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/batch/v1"} <= set(paths)
    assert paths["api/v1"]["serverRelativeURL"].startswith("/openapi/v3/api/v1?hash=")


async def test_v3_has_merge_keys_and_kinds(service: OpenAPIService) -> None:
    schemas = (await fetch(service, "/openapi/v3/apis/apps/v1"))["components"]["schemas"]
    deployment = schemas["io.k8s.api.apps.v1.Deployment"]
    assert deployment["x-kubernetes-group-version-kind"] == [{"group": "apps", "version": "v1", "kind": "Deployment"}]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-type"] == "map"
    assert schemas["io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"]["x-kubernetes-map-type"] == "atomic"
    assert schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["nodeSelector"]["x-kubernetes-map-type"] == "atomic"
    assert schemas["io.k8s.api.core.v1.ContainerPort"]["properties"]["protocol"]["default"] == "TCP"


async def test_what_has_two_types_only_in_v3(service: OpenAPIService) -> None:
    v2 = (await fetch(service, "/openapi/v2"))["definitions"]
    v3 = (await fetch(service, "/openapi/v3/apis/apps/v1"))["components"]["schemas"]
    quantity, either = (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    )
    assert v3[quantity]["oneOf"] == [{"type": "string"}, {"type": "number"}]
    assert v3[either]["oneOf"] == [{"type": "integer"}, {"type": "string"}]
    assert v3[either]["format"] == "int-or-string"
    assert [one[name].get("type") for one in (v2, v3) for name in (quantity, either)] == [
        "string",
        "string",
        None,
        None,
    ]


async def test_v3_patch_says_what_it_takes(service: OpenAPIService) -> None:
    paths = (await fetch(service, "/openapi/v3/apis/apps/v1"))["paths"]
    patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} == {p["name"] for p in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Deployment"


async def test_every_reference_resolves(service: OpenAPIService) -> None:
    document = await fetch(service, "/openapi/v2")
    text = msgspec.json.encode(document).decode()
    referred = {part.split('"')[0] for part in text.split('"#/definitions/')[1:]}
    assert referred <= set(document["definitions"])


async def test_references_stand_where_each_version_has_them(service: OpenAPIService) -> None:
    template = "io.k8s.api.core.v1.PodTemplateSpec"
    name = "io.k8s.api.apps.v1.DeploymentSpec"
    v2 = (await fetch(service, "/openapi/v2"))["definitions"][name]["properties"]["template"]
    assert v2["$ref"] == f"#/definitions/{template}"
    v3 = (await fetch(service, "/openapi/v3/apis/apps/v1"))["components"]["schemas"][name]["properties"]["template"]
    assert [{"$ref": f"#/components/schemas/{template}"}] == v3["allOf"]


async def test_v2_protobuf_begins_with_its_version(service: OpenAPIService) -> None:
    response = await service.get("/openapi/v2", PROTOBUF, "")
    assert isinstance(response.body, bytes)
    # Field 1, length 3, "2.0".
    assert response.body.startswith(b"\x0a\x032.0")


async def test_etag(service: OpenAPIService) -> None:
    first = await service.get("/openapi/v2", "", "")
    again = await service.get("/openapi/v2", "", first.headers["Etag"])
    assert (again.status, again.body) == (304, b"")


async def test_refusals(service: OpenAPIService) -> None:
    with pytest.raises(NotAcceptable):
        await service.get("/openapi/v2", "text/html", "")
    with pytest.raises(NotFound):
        await service.get("/openapi/v3/apis/none.example/v1", "", "")
