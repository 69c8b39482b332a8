"""The real kubectl with custom resources: apply, get with columns, explain, api-resources, scale, delete."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.apiserver.crd.conftest import GROUP, Customs
from tests.apiserver.test_apply_kubectl import HOST, Kubectl

from steersman.api.http import User
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import layout

CRD = f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: crontabs.{GROUP}}}
spec:
  group: {GROUP}
  scope: Namespaced
  names: {{plural: crontabs, kind: CronTab, shortNames: [ct], categories: [all]}}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {{}}
      scale: {{specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns:
    - {{name: Replicas, type: integer, jsonPath: .spec.replicas}}
    - {{name: Image, type: string, jsonPath: .spec.image, priority: 1}}
    schema:
      openAPIV3Schema:
        type: object
        description: CronTab is for tests
        properties:
          spec:
            type: object
            properties:
              image: {{type: string, description: What runs}}
              replicas: {{type: integer, default: 1, maximum: 5}}
          status: {{type: object, properties: {{replicas: {{type: integer}}}}}}
"""
CR = f"""
apiVersion: {GROUP}/v1
kind: CronTab
metadata: {{name: my}}
spec: {{image: one}}
"""


@pytest.fixture
async def kubectl(crds: Customs, tmp_path: Path) -> AsyncIterator[Kubectl]:
    credentials = layout.Layout(tmp_path / "pki")
    layout.ensure_cluster(credentials, (HOST,), datetime.now(UTC))
    crds.app.authenticator = Authenticator(crds.clock, {"t": User("admin", ("system:masters",))})
    crds.app.openapi = OpenAPIService(crds.app.catalog, "v1.37.0")
    server = HTTPServer(crds.app.handle)
    pair = credentials.apiserver
    port = await server.start([HOST], 0, server_tls(str(pair.cert), str(pair.key)))
    yield Kubectl(tmp_path, f"https://{HOST}:{port}")
    await server.close()


async def test_from_definition_to_deletion(kubectl: Kubectl) -> None:
    crd = f"crd/crontabs.{GROUP}"
    await kubectl.run("apply", manifest=CRD)
    await kubectl.run("wait", "--for=condition=Established", crd)
    assert await kubectl.run("apply", manifest=CR) == f"crontab.{GROUP}/my created\n"
    assert await kubectl.run("apply", manifest=CR) == f"crontab.{GROUP}/my unchanged\n"
    await kubectl.run("apply", manifest=CR.replace("one", "two"))
    assert await kubectl.run("get", "ct") == "NAME   REPLICAS\nmy     1\n"
    assert await kubectl.run("get", "ct", "-o", "wide") == "NAME   REPLICAS   IMAGE\nmy     1          two\n"
    assert f"crontab.{GROUP}/my" in await kubectl.run("get", "all")
    found = await kubectl.run("api-resources", f"--api-group={GROUP}", "--no-headers")
    assert found.split() == ["crontabs", "ct", f"{GROUP}/v1", "true", "CronTab"]
    assert "CronTab is for tests" in await kubectl.run("explain", "ct")
    assert "What runs" in await kubectl.run("explain", "ct.spec.image")
    await kubectl.run("scale", "ct/my", "--replicas=3")
    refused = await kubectl.run("patch", "ct/my", "--type=merge", "-p", '{"spec":{"replicas":9}}', code=1)
    assert "spec.replicas in body should be less than or equal to 5" in refused
    unknown = await kubectl.run("apply", code=1, manifest=CR.replace("image", "picture"))
    assert "unknown field" in unknown
    await kubectl.run("delete", crd)
    assert await kubectl.run("get", "crd") == "No resources found\n"
