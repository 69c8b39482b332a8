"""A webhook with TLS that answers as it is told, and configurations that lead to it."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.conftest import Api
from tests.apiserver.crd.conftest import crds as crds

from steersman.pki import certs

SERVICE, NAMESPACE, PORT = "hook", "hooks", 8443
HOST = f"{SERVICE}.{NAMESPACE}.svc"
MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
VALIDATING = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
Answer = Callable[[dict[str, Any]], dict[str, Any]]


@cache
def authority(name: str = "hooks") -> certs.Pair:
    return certs.new_ca(name, datetime.now(UTC))


def allow(request: dict[str, Any]) -> dict[str, Any]:
    return {"allowed": True}


def deny(message: str = "no", **status: Any) -> Answer:
    return lambda request: {"allowed": False, "status": {"message": message, **status}}


def patching(*operations: dict[str, Any], **more: Any) -> Answer:
    patch = base64.b64encode(json.dumps(list(operations)).encode()).decode()
    return lambda request: {"allowed": True, "patchType": "JSONPatch", "patch": patch, **more}


def label(key: str, value: str = "yes") -> dict[str, Any]:
    """An operation that sets a label of an object which has labels."""
    return {"op": "add", "path": f"/metadata/labels/{key}", "value": value}


@dataclass
class Hooks:
    """The webhook: answers by path, and what it was asked."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.Response:
        review = await request.json()
        self.connections.add(request.transport)
        self.asked.append(review["request"])
        self.paths.append(request.path)
        response = {"uid": review["request"]["uid"], **self.answers[request.path](review["request"])}
        return web.json_response({"kind": "AdmissionReview", "apiVersion": review["apiVersion"], "response": response})

    def hook(self, path: str = "/", *, answer: Answer | None = None, **more: Any) -> dict[str, Any]:
        """A webhook of a configuration that leads here; by default it sees new and changed configmaps."""
        if answer is not None:
            self.answers[path] = answer
        rule = {
            "operations": ["CREATE", "UPDATE"],
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": ["configmaps"],
        }
        return {
            "name": f"{path.strip('/') or 'a'}.hooks.example.com",
            "clientConfig": {
                "service": {"namespace": NAMESPACE, "name": SERVICE, "path": path, "port": PORT},
                "caBundle": base64.b64encode(authority().cert).decode(),
            },
            "rules": [{**rule, **more.pop("rule", {})}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            **more,
        }


def configuration(*hooks: dict[str, Any], name: str = "c") -> dict[str, Any]:
    return {"metadata": {"name": name}, "webhooks": list(hooks)}


def tls(folder: Path, host: str = HOST) -> ssl.SSLContext:
    """What a server with a certificate for this host needs."""
    pair = certs.issue(authority(), certs.Request(host, hosts=(host,), usages=("server",)), datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    (folder / "crt").write_bytes(pair.cert)
    (folder / "key").write_bytes(pair.key)
    context.load_cert_chain(folder / "crt", folder / "key")
    return context


@pytest.fixture
async def hooks(api: Api, tmp_path: Path) -> AsyncIterator[Hooks]:
    """The webhook, behind its service."""
    hooks = Hooks()
    app = web.Application()
    app.router.add_post("/{path:.*}", hooks.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls(tmp_path))
    await site.start()
    hooks.port = runner.addresses[0][1]
    await serve(api, hooks.port)
    yield hooks
    await api.app.backends.close()
    await runner.cleanup()


async def serve(api: Api, port: int) -> None:
    """The namespace and the service of the webhook, with one endpoint."""
    await api.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    await api.post(
        f"/api/v1/namespaces/{NAMESPACE}/services",
        {"metadata": {"name": SERVICE}, "spec": {"ports": [{"port": PORT, "targetPort": 8444}]}},
    )
    slice_ = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {
            "name": f"{SERVICE}-x",
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": SERVICE},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"name": "", "port": port, "protocol": "TCP"}],
    }
    # The API has no endpoints on the loopback, which is all that every machine has.
    key = f"/registry/discovery.k8s.io/endpointslices/{NAMESPACE}/{SERVICE}-x"
    await api.app.store.create(key, json.dumps(slice_).encode())
