"""The lines of the conformance suite that are about custom resources, each by its name."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version

NAME = f"crontabs.{GROUP}"
STRING = {"type": "string"}
AGGREGATED = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
STRICT = "?fieldValidation=Strict&fieldManager=me"


async def test_watch_on_custom_resource_definition_objects(crds: Customs) -> None:
    await crds.define(definition("CronTab", version("v1beta1")))
    url = path(version="v1beta1")

    async def events(name: str, count: int) -> list[str]:
        found = await crds.watch(f"{url}?watch=1&fieldSelector=metadata.name={name}&resourceVersion={start}", count)
        return [e["type"] for e in found]

    start = (await crds.get(url))["metadata"]["resourceVersion"]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        a, b = group.create_task(events("a", 3)), group.create_task(events("b", 3))
        for name in "ab":
            await crds.post(url, custom(name, version="v1beta1", num={"num1": 1}))
            await crds.patch(f"{url}/{name}", {"num": {"num1": 9223372036854775807}})
            await crds.delete(f"{url}/{name}")
    assert a.result() == b.result() == ["ADDED", "MODIFIED", "DELETED"]


async def test_creating_and_deleting_custom_resource_definition_objects_works(crds: Customs) -> None:
    await crds.define(definition())
    await crds.delete(f"{CRDS}/{NAME}")
    await crds.gone(f"{CRDS}/{NAME}")


async def test_listing_custom_resource_definition_objects_works(crds: Customs) -> None:
    for number in range(10):
        crd = definition(f"Foo{number}")
        crd["metadata"]["labels"] = {"test": "x"}
        await crds.define(crd)
    await crds.define(definition())
    found = await crds.get(f"{CRDS}?labelSelector=test=x")
    assert len(found["items"]) == 10
    await crds.delete(f"{CRDS}?labelSelector=test=x")
    for number in range(10):
        await crds.gone(f"{CRDS}/foo{number}s.{GROUP}")
    assert [i["metadata"]["name"] for i in (await crds.get(CRDS))["items"]] == [NAME]


async def test_getting_updating_patching_custom_resource_definition_status_sub_resource_works(crds: Customs) -> None:
    await crds.define(definition())
    crd = await crds.get(f"{CRDS}/{NAME}/status")
    crd["status"]["conditions"].append({"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "set"})
    crd = await crds.put(f"{CRDS}/{NAME}/status", crd)
    assert crd["status"]["conditions"][-1]["type"] == "StatusUpdate"
    patch = {"status": {"conditions": [{"type": "StatusPatched", "status": "True"}]}}
    crd = await crds.patch(f"{CRDS}/{NAME}/status", patch)
    assert [c["type"] for c in crd["status"]["conditions"]] == ["StatusPatched"]


async def test_should_include_custom_resource_definition_resources_in_discovery_documents(crds: Customs) -> None:
    groups = {g["name"]: g for g in (await crds.get("/apis"))["groups"]}
    assert groups["apiextensions.k8s.io"]["versions"][0] == {"groupVersion": "apiextensions.k8s.io/v1", "version": "v1"}
    assert (await crds.get("/apis/apiextensions.k8s.io"))["versions"][0]["version"] == "v1"
    resources = (await crds.get("/apis/apiextensions.k8s.io/v1"))["resources"]
    assert "customresourcedefinitions" in [r["name"] for r in resources]


async def test_custom_resource_defaulting_for_requests_and_from_storage_works(crds: Customs) -> None:
    schema = {"type": "object", "properties": {"a": {**STRING, "default": "A"}, "b": STRING, "c": STRING}}
    await crds.define(definition("CronTab", version("v1beta1", schema=schema)))
    url = path(version="v1beta1")
    made = await crds.post(url, custom(version="v1beta1", b="b"))
    assert (made["a"], made["b"], "c" in made) == ("A", "b", False)
    patch = [{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/b/default", "value": "B"}]
    await crds.patch(f"{CRDS}/{NAME}", patch, "json-patch+json")
    await crds.settle()
    assert (await crds.get(url + "/a"))["b"] == "b"
    other = await crds.post(url, custom("b", version="v1beta1"))
    assert (other["a"], other["b"]) == ("A", "B")
    patch = [{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/c/default", "value": "C"}]
    await crds.patch(f"{CRDS}/{NAME}", patch, "json-patch+json")
    await crds.settle()
    assert (await crds.get(url + "/a"))["c"] == "C"


async def test_should_support_aggregated_discovery_interface_for_crds(crds: Customs) -> None:
    await crds.define(
        definition("CronTab", version("v1", subresources={"status": {}}), shortNames=["ct"], categories=["all"])
    )
    found = {g["metadata"]["name"]: g for g in (await crds.get("/apis", headers=AGGREGATED))["items"]}
    assert list(found)[-2:] == [GROUP, "extensions"], "behind the server's own, but for what has moved long ago"
    assert found[GROUP]["versions"] == [
        {
            "version": "v1",
            "freshness": "Current",
            "resources": [
                {
                    "resource": "crontabs",
                    "responseKind": {"group": GROUP, "version": "v1", "kind": "CronTab"},
                    "scope": "Namespaced",
                    "singularResource": "crontab",
                    "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
                    "shortNames": ["ct"],
                    "categories": ["all"],
                    "subresources": [
                        {
                            "subresource": "status",
                            "responseKind": {"group": GROUP, "version": "v1", "kind": "CronTab"},
                            "verbs": ["get", "patch", "update"],
                        }
                    ],
                }
            ],
        }
    ]


async def test_should_support_raw_aggregated_discovery_request_for_crds(crds: Customs) -> None:
    before = await crds.raw("GET", "/apis", headers=AGGREGATED)
    await crds.define(definition())
    after = await crds.raw("GET", "/apis", headers=AGGREGATED)
    assert before.headers["ETag"] != after.headers["ETag"]
    assert isinstance(after.body, bytes)
    assert GROUP in [g["metadata"]["name"] for g in json.loads(after.body)["items"]]


async def test_must_list_and_watch_custom_resources_matching_the_field_selector(crds: Customs) -> None:
    schema = spec_schema(host=STRING, port=STRING)
    fields = [{"jsonPath": ".spec.host"}]
    one = version("v1", schema=schema, selectableFields=fields)
    two = version("v2", storage=False, schema=schema, selectableFields=[*fields, {"jsonPath": ".spec.port"}])
    await crds.define(definition("CronTab", one, two))
    for name, host in (("a", "host1"), ("b", "host1"), ("c", "host2")):
        await crds.post(path(), custom(name, spec={"host": host, "port": "80"}))
    for used in ("v1", "v2"):
        found = await crds.get(f"{path(version=used)}?fieldSelector=spec.host=host1")
        assert [i["metadata"]["name"] for i in found["items"]] == ["a", "b"]
    await crds.get(f"{path()}?fieldSelector=spec.port=80", code=400)
    selected = await crds.get(f"{path(version='v2')}?fieldSelector=spec.port=80,spec.host=host2")
    assert [i["metadata"]["name"] for i in selected["items"]] == ["c"]
    start = selected["metadata"]["resourceVersion"]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        url = f"{path(version='v2')}?watch=1&resourceVersion={start}&fieldSelector=spec.host=host1"
        seen = group.create_task(crds.watch(url, 2))
        await crds.patch(path() + "/a", {"spec": {"host": "host2"}})
        await crds.patch(path() + "/c", {"spec": {"host": "host1"}})
    events = [(e["type"], e["object"]["metadata"]["name"], e["object"]["spec"]["host"]) for e in seen.result()]
    assert events == [("DELETED", "a", "host1"), ("ADDED", "c", "host1")]


async def _apply(crds: Customs, body: Any, code: int | None = None, url: str = "") -> Any:
    name = body["metadata"]["name"] if isinstance(body, dict) else "a"
    return await crds.patch(f"{url or path()}/{name}{STRICT}", body, "apply-patch+yaml", code=code)


async def test_should_create_apply_a_cr_with_unknown_fields_for_crd_with_no_validation_schema(crds: Customs) -> None:
    await crds.define(definition())
    body = custom(spec={"anything": {"goes": [1]}})
    assert (await _apply(crds, body))["spec"] == body["spec"]
    await crds.post(path() + STRICT, custom("b", spec={"x": 1}))


async def test_should_create_apply_a_valid_cr_for_crd_with_validation_schema(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(a=STRING))))
    assert (await _apply(crds, custom(spec={"a": "x"})))["spec"] == {"a": "x"}
    await crds.post(path() + STRICT, custom("b", spec={"a": "x"}))


async def test_should_create_apply_an_invalid_cr_with_extra_properties(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(a=STRING))))
    answer = await _apply(crds, custom(spec={"a": "x", "b": 1}), code=500)
    assert ".spec.b: field not declared in schema" in answer["message"]
    answer = await crds.post(path() + STRICT, custom(spec={"a": "x", "b": 1}), code=400)
    assert 'strict decoding error: unknown field "spec.b"' in answer["message"]


async def test_should_detect_duplicates_in_a_cr_when_preserving_unknown_fields(crds: Customs) -> None:
    await crds.define(definition())
    whole = json.dumps(custom(spec={"unknown": 1, "foo": "a"}))
    body = whole.replace('"foo"', '"foo": 1, "foo"').encode()
    answer = await crds.post(path() + STRICT, body, code=400)
    assert 'strict decoding error: duplicate field "spec.foo"' in answer["message"]
    yaml = f"apiVersion: {GROUP}/v1\nkind: CronTab\nmetadata: {{name: a}}\nspec:\n  foo: a\n  foo: b\n".encode()
    answer = await crds.do("POST", path() + STRICT, yaml, {"content-type": "application/yaml"}, code=400)
    assert "foo" in answer["message"]
    answer = await crds.do(
        "PATCH", f"{path()}/a{STRICT}", yaml, {"content-type": "application/apply-patch+yaml"}, code=400
    )
    assert "foo" in answer["message"]


async def test_should_detect_unknown_metadata_fields_in_both_the_root_and_embedded_object_of_a_cr(
    crds: Customs,
) -> None:
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    await crds.define(definition("CronTab", version(schema=spec_schema(template=embedded))))
    template = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "x", "unknownSubMeta": 1}}
    body = custom(spec={"template": template}) | {"metadata": {"name": "a", "unknownMeta": 1}}
    answer = await crds.post(path() + STRICT, body, code=400)
    assert 'unknown field "metadata.unknownMeta"' in answer["message"]
    assert 'unknown field "spec.template.metadata.unknownSubMeta"' in answer["message"]
    answer = await _apply(crds, body, code=500)
    assert ".metadata.unknownMeta: field not declared in schema" in answer["message"]
    assert ".spec.template.metadata.unknownSubMeta: field not declared in schema" in answer["message"]
