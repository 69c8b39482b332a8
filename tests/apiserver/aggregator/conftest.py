"""An API server with aggregation, another one behind it, and a small server that answers as it is told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.conftest import ADMIN, CATALOG, Api
from tests.apiserver.crd.conftest import CRDS, definition, spec_schema, version

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.apiserver.authn import Authenticator
from steersman.apiserver.config import FrontProxy, ProxyClient, ServerConfig
from steersman.apiserver.frontproxy import Judge
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.apiserver.server import App
from steersman.http.server import HTTPServer
from steersman.http.tls import server_tls
from steersman.pki import certs, layout
from steersman.store.backends import memory

HOST = "127.0.0.1"
GROUP, NAMESPACE, SERVICE, PORT = "wardle.example.com", "wardle", "api", 7443
NAME = f"v1alpha1.{GROUP}"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
FLUNDERS = f"/apis/{GROUP}/v1alpha1/namespaces/default/flunders"
NOW = datetime.now(UTC)


@cache
def authority() -> certs.Pair:
    """Of the certificates of aggregated servers."""
    return certs.new_ca("wardle", NOW)


def api_service(version: str = "v1alpha1", group: str = GROUP, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}"},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 2000,
            "versionPriority": 200,
            "caBundle": base64.b64encode(authority().cert).decode(),
            "service": {"namespace": NAMESPACE, "name": SERVICE, "port": PORT},
            **spec,
        },
    }


async def until(look: Callable[[], Awaitable[Any] | Any]) -> Any:
    """What `look` gives, once that is true."""
    async with asyncio.timeout(60):
        while True:
            found = look()
            found = await found if isinstance(found, Awaitable) else found
            if found:
                return found
            await asyncio.sleep(0)


@dataclass
class Outer(Api):
    """The API server with aggregation."""

    app: App
    clock: FakeClock
    pki: layout.Layout
    user: User | None = ADMIN

    def as_(self, user: User | None) -> Outer:
        return replace(self, user=user)

    async def do(
        self, method: str, path: str, body: Any = None, headers: Any = None, *, code: int | None = None
    ) -> Any:
        """As there, also for answers that come in pieces."""
        response = await self.raw(method, path, body, headers)
        data = response.body if isinstance(response.body, bytes) else b"".join([c async for c in response.body])
        answer = json.loads(data) if data else None
        assert response.status < 300 if code is None else response.status == code, answer
        return answer

    async def condition(self, name: str = NAME) -> tuple[str, str, str]:
        """Status, reason and message of Available."""
        found = await self.get(f"{SERVICES}/{name}")
        for one in found.get("status", {}).get("conditions") or ():
            return one["status"], one["reason"], one["message"]
        return "", "", ""

    async def wait(self, reason: str, name: str = NAME) -> tuple[str, str, str]:
        """The condition, once it has this reason."""

        async def look() -> Any:
            found = await self.condition(name)
            return found if found[1] == reason else None

        found: tuple[str, str, str] = await until(look)
        return found

    async def discovered(self, group: str = GROUP) -> dict[str, Any]:
        """The versions of a group in aggregated discovery."""
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        items = (await self.get("/apis", headers={"accept": accept}))["items"]
        return next(({v["version"]: v for v in i["versions"]} for i in items if i["metadata"]["name"] == group), {})

    async def wait_fresh(self, version: str = "v1alpha1") -> dict[str, Any]:
        """The version in aggregated discovery, once its server has told it."""

        async def look() -> Any:
            found = (await self.discovered()).get(version) or {}
            return found if found.get("freshness") == "Current" else None

        found: dict[str, Any] = await until(look)
        return found

    async def serve(self, *ports: int, host: str = HOST) -> None:
        """The service of the aggregated server, with an endpoint for each port."""
        await self.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        spec = {"ports": [{"port": PORT, "targetPort": 8443}]}
        path = f"/api/v1/namespaces/{NAMESPACE}/services"
        await self.post(path, {"metadata": {"name": SERVICE}, "spec": spec})
        for number, port in enumerate(ports):
            await self.endpoint(port, f"{SERVICE}-{number}", host)

    async def endpoint(self, port: int, name: str = f"{SERVICE}-0", host: str = HOST, *, ready: bool = True) -> None:
        slice_ = {
            "kind": "EndpointSlice",
            "apiVersion": "discovery.k8s.io/v1",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {"kubernetes.io/service-name": SERVICE},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [host], "conditions": {"ready": ready}}],
            "ports": [{"name": "", "port": port, "protocol": "TCP"}],
        }
        # The API has no endpoints on the loopback, which is all that every machine has.
        key = f"/registry/discovery.k8s.io/endpointslices/{NAMESPACE}/{name}"
        await self.app.store.create(key, json.dumps(slice_).encode())

    async def no_endpoint(self, name: str = f"{SERVICE}-0") -> None:
        await self.delete(f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices/{name}")


@contextlib.asynccontextmanager
async def running(app: App) -> AsyncIterator[None]:
    """An App that does its recurring work."""
    await app.start()
    task = asyncio.ensure_future(app.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await app.close()
    await app.store.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> layout.Layout:
    found = layout.Layout(tmp_path_factory.mktemp("pki"))
    layout.ensure_cluster(found, (HOST,), NOW)
    return found


def outer_config(pki: layout.Layout) -> ServerConfig:
    return ServerConfig(
        client_ca=pki.ca.cert,
        front_proxy=FrontProxy(pki.front_proxy_ca.cert, (layout.FRONT_PROXY,)),
        proxy_client=ProxyClient(pki.front_proxy_client.cert, pki.front_proxy_client.key),
    )


@pytest.fixture
async def outer(pki: layout.Layout) -> AsyncIterator[Outer]:
    clock = FakeClock(1_800_000_000.0)
    config = outer_config(pki)
    openapi = OpenAPIService(CATALOG, "v1.37.0")
    app = App(memory.BACKEND.open("", clock), clock, config, catalog=CATALOG, openapi=openapi)
    async with running(app):
        outer = Outer(app, clock, pki)
        await outer.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
        yield outer


def serving(folder: Path, host: str = f"{SERVICE}.{NAMESPACE}.svc") -> tuple[str, str]:
    """The files of a certificate for an aggregated server, and of its key."""
    pair = certs.issue(authority(), certs.Request(host, hosts=(host,), usages=("server",)), NOW)
    crt, key = folder / f"{host}.crt", folder / f"{host}.key"
    crt.write_bytes(pair.cert)
    key.write_bytes(pair.key)
    return str(crt), str(key)


@dataclass
class Sample:
    """A whole API server that is aggregated: it serves flunders."""

    api: Api
    port: int


FLUNDER = {
    "apiVersion": f"{GROUP}/v1alpha1",
    "kind": "Flunder",
    "metadata": {"name": "f"},
    "spec": {"reference": "a"},
}


@pytest.fixture
async def sample(pki: layout.Layout, tmp_path: Path) -> AsyncIterator[Sample]:
    clock = FakeClock(1_800_000_000.0)
    trusted = FrontProxy(pki.front_proxy_ca.cert, (layout.FRONT_PROXY,))
    config = ServerConfig(front_proxy=trusted, bootstrap=False)
    openapi = OpenAPIService(CATALOG, "v1.37.0")
    app = App(memory.BACKEND.open("", clock), clock, config, catalog=CATALOG, openapi=openapi, admission=())
    app.authenticator = Authenticator(clock, front_proxy=trusted)
    judge = Judge(pki.ca.cert, pki.front_proxy_ca.cert)
    server = HTTPServer(app.handle, judge=judge)
    async with running(app):
        api = Api(app, clock)
        schema = spec_schema(reference={"type": "string", "description": "What the flunder is about"})
        flunders = definition("Flunder", version("v1alpha1", schema=schema), group=GROUP, shortNames=["fl"])
        await api.post(CRDS, flunders)
        await until(lambda: app.custom.served)
        tls = server_tls(*serving(tmp_path), str(pki.front_proxy_ca.cert))
        yield Sample(api, await server.start([HOST], 0, tls))
        await server.close()


@dataclass
class Told:
    """A server that answers as it is told, by path, and remembers what it was asked."""

    port: int = 0
    answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, path: str, body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        async def give(request: web.Request) -> web.StreamResponse:
            return web.json_response(body, status=status, headers=headers)

        self.answers[path] = give

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.read())
        found = self.answers.get(request.path)
        return web.Response(status=404) if found is None else await found(request)

    def last(self, path: str) -> web.Request:
        return next(r for r in reversed(self.asked) if r.path == path)


LEGACY = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/v1alpha1",
    "resources": [
        {
            "name": "flunders",
            "singularName": "flunder",
            "namespaced": True,
            "kind": "Flunder",
            "verbs": ["get", "list"],
        },
        {"name": "flunders/status", "singularName": "", "namespaced": True, "kind": "Flunder", "verbs": ["get"]},
    ],
}


def told_tls(pki: layout.Layout, folder: Path, host: str = f"{SERVICE}.{NAMESPACE}.svc") -> ssl.SSLContext:
    """TLS that insists on a front proxy's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.front_proxy_ca.cert))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(*serving(folder, host))
    return context


@pytest.fixture
async def told(pki: layout.Layout, tmp_path: Path) -> AsyncIterator[Told]:
    told = Told()
    told.answer(f"/apis/{GROUP}/v1alpha1", LEGACY)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", told.handle)
    # Some answers never come to an end.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=told_tls(pki, tmp_path)).start()
    told.port = runner.addresses[0][1]
    yield told
    await runner.cleanup()
