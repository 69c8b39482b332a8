"""kubectl's server-side apply, its migration from client-side apply, and its views of managedFields, over HTTPS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.apiserver.conftest import Api

from steersman.api.http import User
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import layout

HOST = "127.0.0.1"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        ports: [{containerPort: 80}]
"""
LAST = "kubectl.kubernetes.io/last-applied-configuration"


class Kubectl:
    """Runs kubectl against the server, in a directory of its own."""

    def __init__(self, home: Path, server: str) -> None:
        self.home = home
        config = {
            "clusters": [{"name": "a", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "a", "user": {"token": "t"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "default"}}],
            "current-context": "a",
        }
        (home / "config").write_text(json.dumps(config))

    async def run(self, *arguments: str, code: int = 0, manifest: str = "") -> str:
        """What it prints; fails unless it exits as expected."""
        if manifest:
            (self.home / "manifest.yaml").write_text(manifest)
            arguments += ("-f", str(self.home / "manifest.yaml"))
        process = await self._start(*arguments)
        text = (await process.communicate())[0].decode()
        assert process.returncode == code, text
        return text

    @asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
        """What a command prints that does not end by itself; it ends with the block."""
        process = await self._start(*arguments)
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()
            await process.wait()

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "kubectl", f"--cache-dir={self.home}/cache", *arguments,
            env={"KUBECONFIG": str(self.home / "config"), "HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def get(self, what: str) -> Any:
        return json.loads(await self.run("get", what, "-o", "json", *await self.shown()))

    async def minor(self) -> int:
        version = json.loads(await self.run("version", "--client", "-o", "json"))["clientVersion"]
        return int(version["minor"].rstrip("+"))

    async def shown(self) -> list[str]:
        """What makes it show managed fields: older ones always do."""
        return ["--show-managed-fields"] if await self.minor() >= 21 else []

    async def managers(self, what: str) -> dict[tuple[str, str], Any]:
        entries = (await self.get(what))["metadata"].get("managedFields", [])
        return {(e["manager"], e["operation"]): e["fieldsV1"] for e in entries}


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> layout.Layout:
    found = layout.Layout(tmp_path_factory.mktemp("pki"))
    layout.ensure_cluster(found, (HOST,), datetime.now(UTC))
    return found


@pytest.fixture
async def kubectl(api: Api, credentials: layout.Layout, tmp_path: Path) -> AsyncIterator[Kubectl]:
    api.app.authenticator = Authenticator(api.clock, {"t": User("admin", ("system:masters",))})
    api.app.openapi = OpenAPIService(api.app.catalog, "v1.37.0")
    server = HTTPServer(api.app.handle)
    pair = credentials.apiserver
    port = await server.start([HOST], 0, server_tls(str(pair.cert), str(pair.key)))
    yield Kubectl(tmp_path, f"https://{HOST}:{port}")
    await api.app.close()
    await server.close()


async def test_server_side_apply(kubectl: Kubectl) -> None:
    apply = ("apply", "--server-side")
    assert await kubectl.run(*apply, manifest=DEPLOYMENT) == "deployment.apps/web serverside-applied\n"
    made = await kubectl.get("deploy/web")
    assert (await kubectl.managers("deploy/web"))[("kubectl", "Apply")]["f:spec"]["f:template"]["f:spec"] == {
        "f:containers": {
            'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:name": {},
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
            }
        }
    }
    await kubectl.run(*apply, manifest=DEPLOYMENT)
    assert await kubectl.get("deploy/web") == made
    await kubectl.run("scale", "deploy/web", "--replicas=3")
    refused = await kubectl.run(*apply, code=1, manifest=DEPLOYMENT)
    assert refused.startswith(
        'error: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas'
    )
    assert "-  replicas: 3\n+  replicas: 2\n" in await kubectl.run(
        "diff", "--server-side", "--force-conflicts", code=1, manifest=DEPLOYMENT
    )
    await kubectl.run(*apply, "--force-conflicts", manifest=DEPLOYMENT)
    assert (await kubectl.get("deploy/web"))["spec"]["replicas"] == 2
    wrong = await kubectl.run(*apply, code=1, manifest=DEPLOYMENT.replace("nginx:1", "5"))
    assert "failed to create typed patch object (default/web; apps/v1, Kind=Deployment)" in wrong


async def test_migration_from_client_side_apply(kubectl: Kubectl) -> None:
    await kubectl.run("apply", manifest=DEPLOYMENT)
    assert set(await kubectl.managers("deploy/web")) == {("kubectl-client-side-apply", "Update")}
    await kubectl.run("apply", "--server-side", manifest=DEPLOYMENT)
    found = await kubectl.managers("deploy/web")
    if await kubectl.minor() < 26:  # knows no migration: both managers own the fields
        assert set(found) == {("kubectl", "Apply"), ("kubectl-client-side-apply", "Update")}
        return
    assert set(found) == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}
    assert "f:progressDeadlineSeconds" not in found[("kubectl", "Apply")]["f:spec"]
    assert "replicas: 2" in await kubectl.run("apply", "view-last-applied", "deploy/web")
    await kubectl.run("apply", "--server-side", manifest=DEPLOYMENT.replace("  replicas: 2\n", ""))
    after = await kubectl.get("deploy/web")
    assert after["spec"]["replicas"] == 1
    assert "replicas" not in json.loads(after["metadata"]["annotations"][LAST])["spec"]
    assert "configured" in await kubectl.run("apply", manifest=DEPLOYMENT)
    assert (await kubectl.get("deploy/web"))["spec"]["replicas"] == 2


async def test_imperative_commands_and_views(kubectl: Kubectl) -> None:
    assert await kubectl.run("create", "configmap", "c", "--from-literal=a=1") == "configmap/c created\n"
    await kubectl.run("label", "configmap/c", "x=y")
    await kubectl.run("patch", "configmap/c", "--type=merge", '-p={"data":{"b":"2"}}')
    assert await kubectl.managers("configmap/c") == {
        ("kubectl-create", "Update"): {"f:data": {".": {}, "f:a": {}}},
        ("kubectl-label", "Update"): {"f:metadata": {"f:labels": {".": {}, "f:x": {}}}},
        ("kubectl-patch", "Update"): {"f:data": {"f:b": {}}},
    }
    shown = await kubectl.shown()
    assert ("managedFields" in await kubectl.run("get", "configmap/c", "-o", "yaml")) == (not shown)
    assert "manager: kubectl-label" in await kubectl.run("get", "configmap/c", "-o", "yaml", *shown)
    text = await kubectl.run("get", "configmap/c", "-o", "yaml")
    (kubectl.home / "c.yaml").write_text(text.replace('b: "2"', 'b: "3"'))
    await kubectl.run("replace", "-f", str(kubectl.home / "c.yaml"))
    assert (await kubectl.managers("configmap/c"))[("kubectl-replace", "Update")] == {"f:data": {"f:b": {}}}
