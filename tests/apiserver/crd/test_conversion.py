"""Several versions of a definition: another name, or a webhook behind a service, over TLS."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version

from steersman.pki import certs

STRING = {"type": "string"}
NAME = f"crontabs.{GROUP}"
SERVICE = "/api/v1/namespaces/default/services"
SLICES = "/registry/discovery.k8s.io/endpointslices/default"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


async def two_names(crds: Customs, **more: Any) -> None:
    one = version(schema=spec_schema(a={**STRING, "default": "one"}, shared=STRING))
    two = version("v2", storage=False, schema=spec_schema(b={**STRING, "default": "two"}, shared=STRING), **more)
    await crds.define(definition("CronTab", one, two))


async def test_another_name(crds: Customs) -> None:
    await two_names(crds)
    made = await crds.post(path(), custom(spec={"shared": "x"}))
    assert made["spec"] == {"a": "one", "shared": "x"}
    # Fields that a version does not know are gone from it, and defaults are those of the stored version.
    seen = await crds.get(path(version="v2") + "/a")
    assert (seen["apiVersion"], seen["spec"]) == (f"{GROUP}/v2", {"shared": "x"})
    assert seen["metadata"]["uid"] == made["metadata"]["uid"]
    made = await crds.post(path(version="v2"), custom("b", version="v2", spec={"shared": "y"}))
    assert (made["apiVersion"], made["spec"]) == (f"{GROUP}/v2", {"shared": "y"})
    stored = await crds.get(path() + "/b")
    assert stored["spec"] == {"a": "one", "shared": "y"}
    listed = await crds.get(path(version="v2"))
    assert {i["apiVersion"] for i in listed["items"]} == {f"{GROUP}/v2"}
    assert listed["apiVersion"] == f"{GROUP}/v2"
    done = await crds.patch(path(version="v2") + "/a", {"spec": {"shared": "z"}})
    # The default of v2 has no place in v1, which is stored.
    assert done["spec"] == {"shared": "z"}
    gone = await crds.delete(path(version="v2"))
    assert {i["apiVersion"] for i in gone["items"]} == {f"{GROUP}/v2"}


async def test_watches_tell_each_its_version(crds: Customs) -> None:
    await two_names(crds)
    await crds.post(path(), custom(spec={"shared": "x"}))
    events = await crds.watch(
        path(version="v2") + "?watch=1&allowWatchBookmarks=1&sendInitialEvents=1&resourceVersionMatch=NotOlderThan", 2
    )
    assert [(e["type"], e["object"]["apiVersion"]) for e in events] == [
        ("ADDED", f"{GROUP}/v2"), ("BOOKMARK", f"{GROUP}/v2"),
    ]  # fmt: skip
    assert events[0]["object"]["spec"] == {"shared": "x"}


async def test_storage_moves_with_writes(crds: Customs) -> None:
    await two_names(crds)
    await crds.post(path(), custom(spec={"shared": "x"}))
    await crds.post(path(), custom("b", spec={"shared": "y"}))
    crd = await crds.get(f"{CRDS}/{NAME}")
    crd["spec"]["versions"][0]["storage"], crd["spec"]["versions"][1]["storage"] = False, True
    changed = await crds.put(f"{CRDS}/{NAME}", crd)
    assert changed["status"]["storedVersions"] == ["v1", "v2"]
    await crds.settle()

    async def stored() -> dict[str, str]:
        found = (await crds.app.store.list(f"/registry/{GROUP}/crontabs/")).entries
        return {e.key.rpartition("/")[2]: json.loads(e.value)["apiVersion"].rpartition("/")[2] for e in found}

    assert await stored() == {"a": "v1", "b": "v1"}
    before = await crds.get(path() + "/a")
    assert before["spec"] == {"a": "one", "shared": "x"}
    # An update that changes nothing still moves the object.
    after = await crds.put(path() + "/a", before)
    assert after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
    assert await stored() == {"a": "v2", "b": "v1"}
    crd = await crds.get(f"{CRDS}/{NAME}")
    crd["spec"]["versions"] = crd["spec"]["versions"][1:]
    answer = await crds.put(f"{CRDS}/{NAME}", crd, code=422)
    assert 'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions' in answer["message"]
    await crds.put(path() + "/b", await crds.get(path() + "/b"))
    await crds.patch(f"{CRDS}/{NAME}/status", {"status": {"storedVersions": ["v2"]}})
    await crds.settle()
    crd = await crds.get(f"{CRDS}/{NAME}")
    crd["spec"]["versions"] = crd["spec"]["versions"][1:]
    await crds.put(f"{CRDS}/{NAME}", crd)
    await crds.settle()
    assert len((await crds.get(path(version="v2")))["items"]) == 2
    await crds.get(path(), code=404)


# Webhooks

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def hosts(request: dict[str, Any]) -> dict[str, Any]:
    """v1 has `hostPort`, v2 `host` and `port`."""
    converted = []
    for obj in request["objects"]:
        spec = obj.setdefault("spec", {})
        if request["desiredAPIVersion"].endswith("/v2"):
            spec["host"], _, spec["port"] = spec.pop("hostPort", "").partition(":")
        else:
            spec["hostPort"] = f"{spec.pop('host', '')}:{spec.pop('port', '')}"
        converted.append({**obj, "apiVersion": request["desiredAPIVersion"]})
    return {"convertedObjects": converted, "result": {"status": "Success"}}


@dataclass
class Hook:
    config: dict[str, Any]
    answer: Answer = hosts
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        review = await request.json()
        self.asked.append(review["request"])
        response = {"uid": review["request"]["uid"], **self.answer(review["request"])}
        return web.json_response({"kind": "ConversionReview", "apiVersion": review["apiVersion"], "response": response})

    @property
    def sizes(self) -> list[int]:
        return [len(r["objects"]) for r in self.asked]


@pytest.fixture
async def hook(crds: Customs, tmp_path: Path) -> AsyncIterator[Hook]:
    """A webhook behind the service `conv`, and a definition that uses it."""
    ca = certs.new_ca("conversion", datetime.now(UTC))
    host = "conv.default.svc"
    pair = certs.issue(ca, certs.Request(host, hosts=(host,), usages=("server",)), datetime.now(UTC))
    (tmp_path / "crt").write_bytes(pair.cert)
    (tmp_path / "key").write_bytes(pair.key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    service = {"namespace": "default", "name": "conv", "path": "/convert", "port": 9443}
    hook = Hook({"service": service, "caBundle": base64.b64encode(ca.cert).decode()})
    app = web.Application()
    app.router.add_post("/convert", hook.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    await crds.post(SERVICE, {"metadata": {"name": "conv"}, "spec": {"ports": [{"port": 9443}]}})
    slice_ = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "conv-x", "namespace": "default", "labels": {"kubernetes.io/service-name": "conv"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"]}],
        "ports": [{"name": "", "port": port}],
    }
    # Nobody may create one that leads to the server itself.
    await crds.app.store.create(f"{SLICES}/conv-x", json.dumps(slice_).encode())
    one = version(schema=spec_schema(hostPort=STRING), selectableFields=[{"jsonPath": ".spec.hostPort"}])
    columns = [{"name": "Host", "type": "string", "jsonPath": ".spec.host"}]
    two = version("v2", storage=False, schema=spec_schema(host=STRING, port=STRING), additionalPrinterColumns=columns)
    crd = definition("CronTab", one, two)
    webhook = {"clientConfig": hook.config, "conversionReviewVersions": ["v1", "v1beta1"]}
    crd["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    await crds.define(crd)
    yield hook
    await crds.app.backends.close()
    await runner.cleanup()


async def test_webhook(crds: Customs, hook: Hook) -> None:
    await crds.post(path(), custom(spec={"hostPort": "a:1"}))
    assert hook.asked == []
    seen = await crds.get(path(version="v2") + "/a")
    assert (seen["apiVersion"], seen["spec"]) == (f"{GROUP}/v2", {"host": "a", "port": "1"})
    assert hook.asked[0]["desiredAPIVersion"] == f"{GROUP}/v2"
    assert "resourceVersion" not in hook.asked[0]["objects"][0]["metadata"]
    made = await crds.post(path(version="v2"), custom("b", version="v2", spec={"host": "b", "port": "2"}))
    assert made["spec"] == {"host": "b", "port": "2"}
    assert (await crds.get(path() + "/b"))["spec"] == {"hostPort": "b:2"}
    done = await crds.patch(path(version="v2") + "/a", {"spec": {"port": "9"}})
    assert done["spec"] == {"host": "a", "port": "9"}
    assert (await crds.get(path() + "/a"))["spec"] == {"hostPort": "a:9"}


async def test_lists_are_converted_at_once_and_remembered(crds: Customs, hook: Hook) -> None:
    for name in "abc":
        await crds.post(path(), custom(name, spec={"hostPort": f"{name}:1"}))
    listed = await crds.get(path(version="v2"))
    assert [i["spec"]["host"] for i in listed["items"]] == ["a", "b", "c"]
    assert hook.sizes == [3]
    # The revision of a list is the store's, in which others write too.
    assert (await crds.get(path(version="v2")))["items"] == listed["items"]
    assert (await crds.get(path(version="v2"), headers=TABLE))["rows"][0]["cells"] == ["a", "a"]
    assert hook.sizes == [3]
    await crds.patch(path() + "/a", {"spec": {"hostPort": "z:1"}})
    assert (await crds.get(path(version="v2")))["items"][0]["spec"]["host"] == "z"
    assert hook.sizes == [3, 1]


async def test_a_non_homogeneous_list(crds: Customs, hook: Hook) -> None:
    await crds.post(path(), custom(spec={"hostPort": "a:1"}))
    patch = [
        {"op": "replace", "path": "/spec/versions/0/storage", "value": False},
        {"op": "replace", "path": "/spec/versions/1/storage", "value": True},
    ]
    await crds.patch(f"{CRDS}/{NAME}", patch, "json-patch+json")
    await crds.settle()
    await crds.post(path(version="v2"), custom("b", version="v2", spec={"host": "b", "port": "2"}))
    one, two = await crds.get(path()), await crds.get(path(version="v2"))
    assert [i["spec"] for i in one["items"]] == [{"hostPort": "a:1"}, {"hostPort": "b:2"}]
    assert [i["spec"] for i in two["items"]] == [{"host": "a", "port": "1"}, {"host": "b", "port": "2"}]


async def test_watches_are_converted(crds: Customs, hook: Hook) -> None:
    await crds.post(path(), custom(spec={"hostPort": "a:1"}))
    response = await crds.raw("GET", path(version="v2") + "?watch=1")
    assert not isinstance(response.body, bytes)
    lines = aiter(response.body)
    first = json.loads(await anext(lines))
    assert (first["type"], first["object"]["spec"]) == ("ADDED", {"host": "a", "port": "1"})
    await crds.patch(path() + "/a", {"spec": {"hostPort": "b:1"}})
    await crds.delete(path() + "/a")
    rest: list[Any] = []
    async with asyncio.timeout(60):
        while len(rest) < 2:
            rest += [json.loads(line) for line in (await anext(lines)).splitlines()]
    assert [(e["type"], e["object"]["spec"]["host"]) for e in rest] == [("MODIFIED", "b"), ("DELETED", "b")]
    await response.body.aclose()  # type: ignore[attr-defined]


def failing(message: str) -> Answer:
    return lambda request: {"result": {"status": "Failure", "message": message}}


def changing(**metadata: Any) -> Answer:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        found = hosts(request)
        for obj in found["convertedObjects"]:
            obj["metadata"].update(metadata)
        return found

    return answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (failing("not today"), "failed: not today"),
        (lambda r: {"result": {"status": "Success"}}, "returned 0 objects, expected 1"),
        (lambda r: {"result": {"status": "Success"}, "uid": "x"}, "failed: expected response.uid="),
        (changing(name="x"), "returned invalid object: must have the same name: a != x"),
        (changing(uid="x"), "returned invalid object: must have the same UID: "),
        (changing(labels={"-": "x"}), "returned invalid metadata: metadata.labels: Invalid value: "),
        (
            lambda r: {"result": {"status": "Success"}, "convertedObjects": r["objects"]},
            f"returned invalid object: invalid groupVersion (expected {GROUP}/v2, received {GROUP}/v1)",
        ),
    ],
)
async def test_bad_answers(crds: Customs, hook: Hook, answer: Answer, why: str) -> None:
    await crds.post(path(), custom(spec={"hostPort": "a:1"}))
    hook.answer = answer
    told = await crds.get(path(version="v2") + "/a", code=500)
    assert told["message"].startswith(f"conversion webhook for {GROUP}/v1, Kind=CronTab ")
    assert why in told["message"]


async def test_labels_may_change_and_nothing_else_of_the_metadata(crds: Customs, hook: Hook) -> None:
    await crds.post(path(), custom(spec={"hostPort": "a:1"}))
    hook.answer = changing(labels={"a": "b"}, finalizers=["x.y/z"])
    meta = (await crds.get(path(version="v2") + "/a"))["metadata"]
    assert meta["labels"] == {"a": "b"}
    assert "finalizers" not in meta


async def test_a_broken_webhook_stops_neither_metadata_nor_deletion(crds: Customs, hook: Hook) -> None:
    await crds.post(path(), custom(spec={"hostPort": "a:1"}))
    hook.answer = failing("down")
    accept = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    assert (await crds.get(path(version="v2"), headers=accept))["items"][0]["metadata"]["name"] == "a"
    await crds.delete(f"{CRDS}/{NAME}")
    await crds.gone(f"{CRDS}/{NAME}")
