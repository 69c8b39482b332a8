"""What the OpenAPI documents say of older API versions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from steersman.apiserver.openapi.service import OpenAPIService
from steersman.kinds import catalog


@pytest.fixture(scope="module")
def service() -> OpenAPIService:
    return OpenAPIService(catalog.load(), "v1.37.0")


async def fetch(service: OpenAPIService, path: str) -> dict[str, Any]:
    response = await service.get(path, "application/json", "")
    assert response.status == 200
    assert isinstance(response.body, bytes)
    return dict(msgspec.json.decode(response.body))


@pytest.mark.parametrize(
    ("path", "name", "namesake"),
    [
        ("apis/extensions/v1beta1", "extensions.v1beta1.Ingress", "networking.v1.Ingress"),
        ("apis/extensions/v1beta1", "extensions.v1beta1.DeploymentSpec", "apps.v1.DeploymentSpec"),
        ("apis/autoscaling/v2beta1", "autoscaling.v2beta1.MetricSpec", "autoscaling.v2.MetricSpec"),
        ("apis/apps/v1beta2", "apps.v1beta2.Deployment", "apps.v1.Deployment"),
    ],
)
async def test_they_are_described_as_their_namesakes_of_today(
    service: OpenAPIService, path: str, name: str, namesake: str
) -> None:
    def package(text: str) -> str:
        return "io.k8s.api." + text

    group, version, _ = namesake.split(".")
    todays = {"apps": "apis/apps/v1", "autoscaling": "apis/autoscaling/v2", "networking": "apis/networking.k8s.io/v1"}
    old = (await fetch(service, f"/openapi/v3/{path}"))["components"]["schemas"][package(name)]
    new = (await fetch(service, f"/openapi/v3/{todays[group]}"))["components"]["schemas"][package(namesake)]
    assert old["description"] == new["description"]
    assert version in ("v1", "v2")


async def test_what_was_not_required_is_not(service: OpenAPIService) -> None:
    definitions = (await fetch(service, "/openapi/v2"))["definitions"]
    assert definitions["io.k8s.api.extensions.v1beta1.DeploymentSpec"]["required"] == ["template"]
    assert "selector" in definitions["io.k8s.api.apps.v1.DeploymentSpec"]["required"]
    assert "required" not in definitions["io.k8s.api.networking.v1beta1.IngressBackend"]


async def test_lists_are_kinds_of_their_version(service: OpenAPIService) -> None:
    definitions = (await fetch(service, "/openapi/v2"))["definitions"]
    found = definitions["io.k8s.api.extensions.v1beta1.IngressList"]
    assert found["x-kubernetes-group-version-kind"] == [
        {"group": "extensions", "version": "v1beta1", "kind": "IngressList"}
    ]
    assert found["properties"]["items"]["items"] == {"$ref": "#/definitions/io.k8s.api.extensions.v1beta1.Ingress"}
