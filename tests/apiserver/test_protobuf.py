"""Answers in protobuf: what Go clients ask for."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from msgspec import Struct, defstruct
from tests.apiserver.conftest import MAPS, PODS, Api, config_map, pod

from steersman.api import codec, protobuf
from steersman.api.http import Response
from steersman.apiserver.frames import Frames
from steersman.apiserver.negotiation import Accepted, Media
from steersman.kinds import apidiscovery_v2, wire, wire_encode
from steersman.kinds.types import apps_v1, authentication_v1, authorization_v1, autoscaling_v1, core_v1, meta_v1
from steersman.kinds.wire_fields import MAGIC

PB = "application/vnd.kubernetes.protobuf"
ACCEPT = {"accept": f"{PB},application/json"}
SENT = {**ACCEPT, "content-type": PB}
METADATA = {"accept": f"{PB};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"}
METADATA_LIST = {"accept": f"{PB};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"}


class Partial(Struct):
    """Metadata as clients decode it."""

    metadata: meta_v1.ObjectMeta


def read(response: Response, cls: type[Struct], status: int = 200) -> Any:
    """The object of an answer, without the defaults of its type."""
    assert isinstance(response.body, bytes)
    assert (response.status, response.headers["Content-Type"]) == (status, PB), response.body
    return wire.decode(cls, response.body)


def events(stream: bytes, cls: type[Struct]) -> list[tuple[str, Any]]:
    """The events of a watch, whose frames are whole."""
    found = []
    while stream:
        size = int.from_bytes(stream[:4], "big")
        parts = dict(protobuf.scan(stream[4 : 4 + size]))
        kind = parts[1].decode()
        body = dict(protobuf.scan(parts[2]))[1]
        found.append((kind, wire.decode(meta_v1.Status if kind == "ERROR" else cls, body)))
        stream = stream[4 + size :]
    return found


async def told(api: Api, path: str, cls: type[Struct], count: int, headers: dict[str, str]) -> list[tuple[str, Any]]:
    response = await api.raw("GET", path, headers=headers)
    assert not isinstance(response.body, bytes), response.body
    assert response.headers["Content-Type"] == f"{PB};stream=watch"
    found: list[tuple[str, Any]] = []
    async for chunk in response.body:
        found += events(chunk, cls)
        if len(found) >= count:
            break
    await response.body.aclose()  # type: ignore[attr-defined]
    return found


def same(binary: Any, plain: Any, cls: type[Struct]) -> bool:
    """Whether the two say the same, apart from what Go always sends."""
    return codec.from_builtins(cls, binary)[0] == codec.from_builtins(cls, _filled(plain, binary))[0]


def _filled(plain: Any, binary: Any) -> Any:
    """`plain` with the empty objects of `binary`."""
    if isinstance(plain, dict) and isinstance(binary, dict):
        return {
            **{k: v for k, v in binary.items() if v == {}},
            **{k: _filled(v, binary.get(k)) for k, v in plain.items()},
        }
    if isinstance(plain, list) and isinstance(binary, list):
        return [_filled(a, b) for a, b in zip(plain, binary, strict=True)]
    return plain


async def test_a_pod_both_ways(api: Api) -> None:
    sent, _ = codec.from_builtins(core_v1.Pod, {"kind": "Pod", "apiVersion": "v1", **pod()})
    made = read(await api.raw("POST", PODS, wire_encode.encode(sent), SENT), core_v1.Pod, 201)
    assert (made["metadata"]["name"], made["spec"]["restartPolicy"]) == ("a", "Always")
    got = read(await api.raw("GET", f"{PODS}/a", headers=ACCEPT), core_v1.Pod)
    assert got == made
    assert same(got, await api.get(f"{PODS}/a"), core_v1.Pod)


async def test_writes(api: Api) -> None:
    await api.post(MAPS, config_map("a", k="v"))
    cls, path = core_v1.ConfigMap, f"{MAPS}/a"
    patched = read(
        await api.raw("PATCH", path, {"data": {"x": "y"}}, {**ACCEPT, "content-type": "application/merge-patch+json"}),
        cls,
    )
    assert patched["data"] == {"k": "v", "x": "y"}
    sent, _ = codec.from_builtins(cls, {**patched, "data": {"z": "1"}})
    put = read(await api.raw("PUT", path, wire_encode.encode(sent), SENT), cls)
    assert (put["data"], put == read(await api.raw("GET", path, headers=ACCEPT), cls)) == ({"z": "1"}, True)
    tried = read(await api.raw("PUT", path + "?dryRun=All", {**config_map("a", no="1")}, ACCEPT), cls)
    assert (tried["data"], (await api.get(path))["data"]) == ({"no": "1"}, {"z": "1"})
    apply = {**ACCEPT, "content-type": "application/apply-patch+yaml"}
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "b"}, "data": {"q": "1"}}
    applied = read(await api.raw("PATCH", f"{MAPS}/b?fieldManager=me", body, apply), cls, 201)
    assert applied["metadata"]["managedFields"][0]["fieldsV1"] == {"f:data": {"f:q": {}}}
    gone = read(await api.raw("DELETE", path, headers=ACCEPT), meta_v1.Status)
    assert (gone["status"], gone["details"]["name"]) == ("Success", "a")


async def test_delete_options(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    options = wire_encode.encode(
        meta_v1.DeleteOptions(preconditions=meta_v1.Preconditions(uid="other"), gracePeriodSeconds=0)
    )
    failed = read(await api.raw("DELETE", f"{MAPS}/a", options, SENT), meta_v1.Status, 409)
    assert "does not match the UID in record" in failed["message"]


async def test_lists(api: Api) -> None:
    for name in ("a", "b"):
        await api.post(MAPS, config_map(name, k=name))
    listed = read(await api.raw("GET", MAPS, headers=ACCEPT), core_v1.ConfigMapList)
    plain = await api.get(MAPS)
    assert (listed["kind"], listed["metadata"]) == ("ConfigMapList", plain["metadata"])
    assert [i["data"] for i in listed["items"]] == [{"k": "a"}, {"k": "b"}]
    assert "kind" not in listed["items"][0]
    page = read(await api.raw("GET", f"{MAPS}?limit=1", headers=ACCEPT), core_v1.ConfigMapList)
    assert page["metadata"] == (await api.get(f"{MAPS}?limit=1"))["metadata"]
    gone = read(await api.raw("DELETE", MAPS, headers=ACCEPT), core_v1.ConfigMapList)
    assert [i["metadata"]["name"] for i in gone["items"]] == ["a", "b"]
    none = read(await api.raw("GET", MAPS, headers=ACCEPT), core_v1.ConfigMapList)
    assert "items" not in none


async def test_watches(api: Api) -> None:
    await api.post(MAPS, config_map("a", k="v"))
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    (first, added), (second, mark) = await told(api, f"{MAPS}?{query}", core_v1.ConfigMap, 2, ACCEPT)
    assert (first, second) == ("ADDED", "BOOKMARK")
    assert added == read(await api.raw("GET", f"{MAPS}/a", headers=ACCEPT), core_v1.ConfigMap)
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    version = api.app.store.revision
    watching = asyncio.ensure_future(
        told(api, f"{MAPS}?watch=1&resourceVersion={version}", core_v1.ConfigMap, 2, ACCEPT)
    )
    await asyncio.sleep(0)
    await api.patch(f"{MAPS}/a", {"data": {"k": "w"}})
    await api.delete(f"{MAPS}/a")
    (changed, after), (deleted, last) = await watching
    assert (changed, deleted) == ("MODIFIED", "DELETED")
    assert (after["data"], last["data"]) == ({"k": "w"}, {"k": "w"})
    assert int(last["metadata"]["resourceVersion"]) == api.app.store.revision


async def test_what_leaves_a_selection_is_not_what_is_there(api: Api) -> None:
    await api.post(MAPS, {**config_map("a"), "metadata": {"name": "a", "labels": {"x": "y"}}})
    watching = asyncio.ensure_future(told(api, f"{MAPS}?watch=1&labelSelector=x=y", core_v1.ConfigMap, 2, ACCEPT))
    await asyncio.sleep(0)
    await api.patch(f"{MAPS}/a", {"metadata": {"labels": {"x": "z"}}})
    assert [kind for kind, _ in await watching] == ["ADDED", "DELETED"]
    got = read(await api.raw("GET", f"{MAPS}/a", headers=ACCEPT), core_v1.ConfigMap)
    assert got["metadata"]["labels"] == {"x": "z"}


async def test_a_watch_that_fails(api: Api) -> None:
    for number in range(3):
        await api.post(MAPS, config_map(f"m{number}"))
    await api.app.store.compact(api.app.store.revision)
    cache = api.app.registries.find("", "configmaps")
    assert cache is not None
    cache.cache._window_start = api.app.store.revision
    ((kind, status),) = await told(api, f"{MAPS}?watch=1&resourceVersion=1", core_v1.ConfigMap, 1, ACCEPT)
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")


async def test_other_versions(api: Api) -> None:
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    target = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
    spec = {"scaleTargetRef": target, "maxReplicas": 5, "targetCPUUtilizationPercentage": 70}
    await api.post(path, {"metadata": {"name": "h"}, "spec": spec})
    cls = autoscaling_v1.HorizontalPodAutoscaler
    got = read(await api.raw("GET", f"{path}/h", headers=ACCEPT), cls)
    assert (got["apiVersion"], got["spec"]["targetCPUUtilizationPercentage"]) == ("autoscaling/v1", 70)
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    (_, added), (_, mark) = await told(api, f"{path}?{query}", cls, 2, ACCEPT)
    assert added == got
    assert (mark["apiVersion"], mark["metadata"]["annotations"]) == (
        "autoscaling/v1",
        {"k8s.io/initial-events-end": "true"},
    )
    changed = read(
        await api.raw(
            "PATCH",
            f"{path}/h",
            {"spec": {"maxReplicas": 6}},
            {**ACCEPT, "content-type": "application/merge-patch+json"},
        ),
        cls,
    )
    assert changed["spec"]["maxReplicas"] == 6


async def test_metadata(api: Api) -> None:
    await api.post(MAPS, config_map("a", k="v"))
    plain = (await api.get(f"{MAPS}/a"))["metadata"]
    got = read(await api.raw("GET", f"{MAPS}/a", headers=METADATA), core_v1.Namespace)
    assert (got["kind"], got["apiVersion"], got["metadata"]) == ("PartialObjectMetadata", "meta.k8s.io/v1", plain)
    listed = read(await api.raw("GET", MAPS, headers=METADATA_LIST), core_v1.NamespaceList)
    assert (listed["kind"], [i["metadata"] for i in listed["items"]]) == ("PartialObjectMetadataList", [plain])
    ((_, added),) = await told(api, f"{MAPS}?watch=1", core_v1.Namespace, 1, METADATA)
    assert added["metadata"] == plain
    headers = {**METADATA, "content-type": "application/merge-patch+json"}
    patched = read(
        await api.raw("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"x": "y"}}}, headers), core_v1.Namespace
    )
    assert (patched["kind"], patched["metadata"]["labels"]) == ("PartialObjectMetadata", {"x": "y"})


async def test_the_wrong_metadata(api: Api) -> None:
    await api.post(MAPS, config_map("a"))
    one, many = METADATA["accept"].split(",")[0], METADATA_LIST["accept"].split(",")[0]
    refused = json.loads(str((await api.raw("GET", MAPS, headers={"accept": one})).body, "utf-8"))  # type: ignore[arg-type]
    assert refused["message"] == (
        "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"
    )
    refused = read(await api.raw("GET", f"{MAPS}/a", headers={"accept": f"{many},{PB}"}), meta_v1.Status, 406)
    assert refused["message"] == (
        "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
    )


async def test_failures(api: Api) -> None:
    failed = read(await api.raw("GET", f"{MAPS}/no", headers=ACCEPT), meta_v1.Status, 404)
    assert failed == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "no" not found',
        "reason": "NotFound",
        "details": {"name": "no", "kind": "configmaps"},
        "code": 404,
    }
    read(await api.raw("POST", MAPS, b"k8s\0\xff", SENT), meta_v1.Status, 400)


async def test_subresources(api: Api) -> None:
    deployment = {
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, **_spec()}},
    }
    path = "/apis/apps/v1/namespaces/default/deployments"
    made = read(await api.raw("POST", path, deployment, ACCEPT), apps_v1.Deployment, 201)
    assert made["spec"]["replicas"] == 1
    scale = read(await api.raw("GET", f"{path}/d/scale", headers=ACCEPT), autoscaling_v1.Scale)
    sent, _ = codec.from_builtins(autoscaling_v1.Scale, {**scale, "spec": {"replicas": 0}})
    scaled = read(await api.raw("PUT", f"{path}/d/scale", wire_encode.encode(sent), SENT), autoscaling_v1.Scale)
    assert scaled["spec"] == {}
    assert (await api.get(f"{path}/d"))["spec"]["replicas"] == 0
    status = read(await api.raw("GET", f"{path}/d/status", headers=ACCEPT), apps_v1.Deployment)
    assert status["metadata"]["name"] == "d"
    request = authentication_v1.TokenRequest(spec=authentication_v1.TokenRequestSpec(expirationSeconds=600))
    accounts = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = read(
        await api.raw("POST", accounts, wire_encode.encode(request), SENT), authentication_v1.TokenRequest, 201
    )
    assert token["status"]["token"].count(".") == 2


def _spec() -> dict[str, Any]:
    return {"spec": pod()["spec"]}


async def test_bindings_and_evictions(api: Api) -> None:
    await api.post(PODS, pod())
    binding, _ = codec.from_builtins(
        core_v1.Binding, {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "a"}, "target": {"name": "n"}}
    )
    bound = read(await api.raw("POST", f"{PODS}/a/binding", wire_encode.encode(binding), SENT), meta_v1.Status, 201)
    assert (bound["status"], bound["code"]) == ("Success", 201)
    gone = read(await api.raw("POST", f"{PODS}/a/eviction", {"metadata": {"name": "a"}}, ACCEPT), meta_v1.Status, 201)
    assert gone["status"] == "Success"


async def test_reviews(api: Api) -> None:
    cls = authorization_v1.SelfSubjectAccessReview
    review = cls(spec=authorization_v1.SelfSubjectAccessReviewSpec())
    review.spec.nonResourceAttributes = authorization_v1.NonResourceAttributes(path="/x", verb="get")
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = read(await api.raw("POST", path, wire_encode.encode(review), SENT), cls, 201)
    assert answer["status"]["allowed"] is True


@pytest.mark.parametrize(
    ("path", "cls"),
    [
        ("/api", meta_v1.APIVersions),
        ("/apis", meta_v1.APIGroupList),
        ("/apis/apps", meta_v1.APIGroup),
        ("/api/v1", meta_v1.APIResourceList),
        ("/apis/apps/v1", meta_v1.APIResourceList),
    ],
)
async def test_discovery(api: Api, path: str, cls: type[Struct]) -> None:
    found = read(await api.raw("GET", path, headers=ACCEPT), cls)
    assert same(found, await api.get(path), cls)


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_aggregated_discovery(api: Api, version: str) -> None:
    suffix = f"g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    response = await api.raw("GET", "/apis", headers={"accept": f"{PB},{PB};{suffix}"})
    assert response.headers["Content-Type"] == f"{PB};{suffix}"
    assert isinstance(response.body, bytes)
    found = wire.decode(apidiscovery_v2.APIGroupDiscoveryList, response.body)
    plain = await api.get("/apis", headers={"accept": f"application/json;{suffix}"})
    assert found["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    assert [g["metadata"]["name"] for g in found["items"]] == [g["metadata"]["name"] for g in plain["items"]]
    # The group is empty for some, and what is empty is not told apart from what is absent.
    assert same(found["items"][1], _drop_nulls(plain["items"][1]), apidiscovery_v2.APIGroupDiscovery)


def _drop_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _drop_nulls(v) for k, v in value.items() if v is not None}
    return [_drop_nulls(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", ["/version", "/"])
async def test_what_is_only_json(api: Api, path: str) -> None:
    response = await api.raw("GET", path, headers={"accept": PB})
    assert response.headers["Content-Type"] == "application/json"
    assert isinstance(response.body, bytes)
    assert json.loads(response.body)


async def test_each_version_is_encoded_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.post(MAPS, config_map("a", k="v"))
    first = await api.raw("GET", f"{MAPS}/a", headers=ACCEPT)
    plan = wire_encode.message(core_v1.ConfigMap)
    encoded = []

    def counting(obj: Any) -> bytes:
        encoded.append(obj)
        return plan(obj)

    monkeypatch.setitem(cast(Any, wire_encode._plans), core_v1.ConfigMap, counting)
    again = await api.raw("GET", f"{MAPS}/a", headers=ACCEPT)
    assert again.body == first.body
    await api.raw("GET", MAPS, headers=ACCEPT)
    await told(api, f"{MAPS}?watch=1", core_v1.ConfigMap, 1, ACCEPT)
    assert encoded == []
    await api.patch(f"{MAPS}/a", {"data": {"k": "w"}})
    await api.raw("GET", MAPS, headers=ACCEPT)
    await api.raw("GET", f"{MAPS}/a", headers=ACCEPT)
    assert len(encoded) == 1


async def test_what_is_kept_is_bounded(api: Api) -> None:
    endpoint = api.app.endpoint("", "v1", "configmaps")
    assert endpoint is not None
    for number in range(5):
        await api.post(MAPS, config_map(f"m{number}"))
    frames, made = Frames(limit=1000), []

    def make(_: Any, item: Any) -> bytes:
        made.append(item.name)
        return b"x" * 100

    items = endpoint.registry.cache.list()
    for item in (*items, *items[-2:], items[0]):
        frames.get(endpoint, item, "v1", make)
    assert made == ["m0", "m1", "m2", "m3", "m4", "m0"]


async def test_bodies_begin_alike(api: Api) -> None:
    response = await api.raw("GET", "/api/v1/namespaces", headers={"accept": PB})
    assert isinstance(response.body, bytes)
    assert response.body.startswith(MAGIC)


async def test_long_lists_come_in_pieces(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.apiserver.frames.STREAMED", 3)
    monkeypatch.setattr("steersman.apiserver.frames._AT_ONCE", 2)
    for number in range(5):
        await api.post(MAPS, config_map(f"m{number}", k="v"))
    response = await api.raw("GET", MAPS, headers=ACCEPT)
    assert not isinstance(response.body, bytes)
    pieces = [piece async for piece in response.body]
    assert len(pieces) == 5
    listed = wire.decode(core_v1.ConfigMapList, b"".join(pieces))
    assert [i["metadata"]["name"] for i in listed["items"]] == [f"m{n}" for n in range(5)]


async def test_lists_are_joined_once(api: Api) -> None:
    for number in range(20):
        await api.post(MAPS, config_map(f"m{number}", k="v"))
    bodies = [(await api.raw("GET", MAPS, headers=ACCEPT)).body for _ in range(3)]
    assert bodies[0] == bodies[1] == bodies[2]
    endpoint = api.app.endpoint("", "v1", "configmaps")
    assert endpoint is not None
    assert endpoint.frames.joined.find(endpoint.registry.cache.list())
    await api.patch(f"{MAPS}/m3", {"data": {"k": "w"}})
    listed = read(await api.raw("GET", MAPS, headers=ACCEPT), core_v1.ConfigMapList)
    assert {i["metadata"]["name"]: i["data"]["k"] for i in listed["items"]}["m3"] == "w"


async def test_every_collection(api: Api) -> None:
    for (group, version, plural), endpoint in api.app._endpoints.items():
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        plain = await api.get(f"{root}/{plural}")
        if not endpoint.protobuf:
            assert (await api.raw("GET", f"{root}/{plural}", headers=ACCEPT)).headers[
                "Content-Type"
            ] == "application/json"
            continue
        cls = load_list(endpoint.served.type)
        listed = read(await api.raw("GET", f"{root}/{plural}", headers=ACCEPT), cls)
        assert (listed["kind"], listed["apiVersion"]) == (plain["kind"], plain["apiVersion"])
        names = [[i["metadata"]["name"] for i in found.get("items", [])] for found in (listed, plain)]
        assert names[0] == names[1]


def load_list(cls: type[Struct]) -> type[Struct]:
    found: type[Struct] = defstruct("Listed", [("items", list[cls])], bases=(meta_v1.ListObject,), kw_only=True)  # type: ignore[valid-type]
    return found


@pytest.mark.parametrize("media", ["json", "protobuf"])
async def test_bookmarks_of_every_collection(api: Api, media: Media) -> None:
    for endpoint in api.app._endpoints.values():
        resource = endpoint.served.resource
        if media == "protobuf" and not endpoint.protobuf:
            continue
        mark = endpoint.registry.cache._bookmark(7, b'{"annotations":{"k8s.io/initial-events-end":"true"}}')
        line = api.app.encoder(endpoint, Accepted(media), "Metadata")("BOOKMARK", mark)
        found = json.loads(line)["object"] if media == "json" else events(line, endpoint.served.type)[0][1]
        assert (found["kind"], found["apiVersion"]) == (resource.kind, resource.api_version)
        assert found["metadata"]["resourceVersion"] == "7"
        assert found["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize("include", ["None", "Metadata", "Object"])
async def test_bookmarks_in_tables_of_every_collection(api: Api, include: str) -> None:
    for endpoint in api.app._endpoints.values():
        mark = endpoint.registry.cache._bookmark(7, b'{"annotations":{"k8s.io/initial-events-end":"true"}}')
        line = api.app.encoder(endpoint, Accepted("json", "meta.k8s.io", "v1", "Table"), include)("BOOKMARK", mark)
        event = json.loads(line)
        assert event["type"] == "BOOKMARK"
        found = event["object"]
        assert (found["kind"], found["apiVersion"], found["metadata"]) == (
            "Table",
            "meta.k8s.io/v1",
            {"resourceVersion": "7"},
        )
        (row,) = found["rows"]
        assert len(row["cells"]) == len(found["columnDefinitions"])
        if include == "None":
            assert row["object"] is None
            continue
        kind = "PartialObjectMetadata" if include == "Metadata" else endpoint.served.resource.kind
        assert row["object"]["kind"] == kind
        assert row["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_what_is_not_stored(api: Api) -> None:
    listed = read(await api.raw("GET", "/api/v1/componentstatuses", headers=ACCEPT), core_v1.ComponentStatusList)
    plain = await api.get("/api/v1/componentstatuses")
    assert [i["metadata"]["name"] for i in listed["items"]] == [i["metadata"]["name"] for i in plain["items"]]


@pytest.mark.parametrize("version", ["apps/v1", "apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"])
async def test_scales_of_all_versions(api: Api, version: str) -> None:
    labels = {"a": "b"}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, **_spec()}}
    path = f"/apis/{version}/namespaces/default/deployments"
    await api.post(path, {"metadata": {"name": "d"}, "spec": spec})
    plain = await api.get(f"{path}/d/scale")
    response = await api.raw("GET", f"{path}/d/scale", headers=ACCEPT)
    assert isinstance(response.body, bytes)
    assert response.headers["Content-Type"] == PB
    found = wire.decode(autoscaling_v1.Scale, response.body)
    assert (found["kind"], found["apiVersion"], found["spec"]) == (plain["kind"], plain["apiVersion"], plain["spec"])


async def test_the_oldest_versions_have_none(api: Api) -> None:
    without = {key[::2] for key, endpoint in api.app._endpoints.items() if not endpoint.protobuf}
    assert without <= {("extensions", "horizontalpodautoscalers"), ("extensions", "jobs")}
    for group, plural in without:
        path = f"/apis/{group}/v1beta1/namespaces/default/{plural}"
        assert (await api.raw("GET", path, headers={"accept": PB})).status == 406
        sent = await api.raw("POST", path, wire_encode.encode(core_v1.ConfigMap()), {"content-type": PB})
        assert sent.status == 400
