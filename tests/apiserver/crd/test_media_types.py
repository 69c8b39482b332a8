"""Custom objects have no protobuf; what the server says of them has."""

from typing import Any

from tests.apiserver.crd.conftest import GROUP, Customs, custom, definition, path, version

from steersman.api import protobuf
from steersman.api.http import Response
from steersman.kinds import wire, wire_encode
from steersman.kinds.types import autoscaling_v1, core_v1, meta_v1
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition

PB = "application/vnd.kubernetes.protobuf"
BOTH = {"accept": f"{PB},application/json"}
METADATA = {"accept": f"{PB};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
METADATA_LIST = {"accept": f"{PB};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


def read(response: Response, cls: Any, status: int = 200) -> Any:
    assert isinstance(response.body, bytes)
    assert (response.status, response.headers["Content-Type"]) == (status, PB), response.body
    return wire.decode(cls, response.body)


async def test_objects_are_json_where_that_is_welcome(crds: Customs) -> None:
    await crds.define(definition())
    await crds.post(path(), custom("a"), headers=BOTH)
    assert (await crds.get(path(), headers=BOTH))["items"][0]["metadata"]["name"] == "a"
    ((event),) = await crds.watch(f"{path()}?watch=1", 1, headers=BOTH)
    assert event["object"]["metadata"]["name"] == "a"


async def test_objects_are_refused_in_protobuf(crds: Customs) -> None:
    await crds.define(definition())
    for method, where, body in (
        ("POST", path(), custom("a")),
        ("GET", path(), None),
        ("GET", path() + "?watch=1", None),
    ):
        # The answer that says so has the encoding that was asked for.
        refused = read(await crds.raw(method, where, body, {"accept": PB}), meta_v1.Status, 406)
        assert refused["message"] == (
            f"only the following media types are accepted: application/json, application/yaml, {PB}"
        )
    assert (await crds.get(path()))["items"] == []


async def test_metadata(crds: Customs) -> None:
    await crds.define(definition())
    made = await crds.post(path(), custom("a"))
    got = read(await crds.raw("GET", f"{path()}/a", headers=METADATA), core_v1.Namespace)
    assert (got["kind"], got["metadata"]) == ("PartialObjectMetadata", made["metadata"])
    listed = read(await crds.raw("GET", path(), headers=METADATA_LIST), core_v1.NamespaceList)
    assert [i["metadata"] for i in listed["items"]] == [made["metadata"]]
    response = await crds.raw("GET", f"{path()}?watch=1", headers=METADATA)
    assert response.headers["Content-Type"] == f"{PB};stream=watch"
    assert not isinstance(response.body, bytes)
    chunk = await anext(aiter(response.body))
    assert dict(protobuf.scan(chunk[4:]))[1] == b"ADDED"
    await response.body.aclose()  # type: ignore[attr-defined]


async def test_failures_and_options(crds: Customs) -> None:
    await crds.define(definition())
    assert read(await crds.raw("GET", f"{path()}/no", headers=BOTH), meta_v1.Status, 404)["reason"] == "NotFound"
    await crds.post(path(), custom("a"))
    options = wire_encode.encode(meta_v1.DeleteOptions(preconditions=meta_v1.Preconditions(uid="other")))
    refused = await crds.raw("DELETE", f"{path()}/a", options, {**BOTH, "content-type": PB})
    assert refused.status == 409


async def test_definitions(crds: Customs) -> None:
    await crds.define(
        definition(
            "CronTab", version(schema={"type": "object", "properties": {"a": {"type": "boolean", "default": False}}})
        )
    )
    where = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.{GROUP}"
    got = read(await crds.raw("GET", where, headers=BOTH), CustomResourceDefinition)
    assert got["spec"]["names"]["kind"] == "CronTab"
    assert got["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["a"]["default"] is False


async def test_scale(crds: Customs) -> None:
    scale = {"scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}}
    await crds.define(definition("CronTab", version(subresources=scale)))
    await crds.post(path(), custom("a", spec={"replicas": 2}))
    assert (await crds.get(f"{path()}/a/scale", headers=BOTH))["spec"] == {"replicas": 2}
    assert (await crds.raw("GET", f"{path()}/a/scale", headers={"accept": PB})).status == 406
    sent = autoscaling_v1.Scale(spec=autoscaling_v1.ScaleSpec(replicas=3))
    sent.metadata.name, sent.metadata.namespace = "a", "default"
    put = await crds.raw("PUT", f"{path()}/a/scale", wire_encode.encode(sent), {**BOTH, "content-type": PB})
    assert put.status == 200, put.body
    assert (await crds.get(f"{path()}/a"))["spec"]["replicas"] == 3
