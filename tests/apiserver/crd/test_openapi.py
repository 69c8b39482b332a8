"""What is published of custom resources, in version 2 and 3, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, definition, spec_schema, version

from steersman.apiserver.openapi.service import OpenAPIService

STRING = {"type": "string"}
MODEL = "com.example.stable.v1.CronTab"
NAME = f"crontabs.{GROUP}"


@pytest.fixture
async def described(crds: Customs) -> Customs:
    crds.app.openapi = OpenAPIService(crds.app.catalog, "v1.37.0")
    return crds


async def v2(crds: Customs) -> Any:
    return await crds.get("/openapi/v2")


async def definition_of(crds: Customs, name: str = MODEL) -> Any:
    """The published schema, without what is added to every one."""
    found = (await v2(crds))["definitions"].get(name)
    if found is not None:
        found.pop("x-kubernetes-group-version-kind")
        for member in ("apiVersion", "kind", "metadata"):
            found.get("properties", {}).pop(member, None)
    return found


async def test_schema_in_both_versions(described: Customs) -> None:
    schema = spec_schema(
        a={**STRING, "description": "An a", "pattern": "^a$"},
        n={"type": "integer", "maximum": 10},
        p={"x-kubernetes-int-or-string": True},
        q={**STRING, "nullable": True},
        any={"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"b": STRING}},
    )
    schema["properties"]["spec"]["required"] = ["a", "q"]
    schema["properties"]["spec"]["oneOf"] = [{"required": ["a"]}]
    await described.define(definition("CronTab", version(schema=schema, selectableFields=[{"jsonPath": ".spec.a"}])))
    old = (await v2(described))["definitions"][MODEL]
    assert old["x-kubernetes-group-version-kind"] == [{"group": GROUP, "version": "v1", "kind": "CronTab"}]
    assert old["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.a"}]
    assert old["properties"]["metadata"]["$ref"] == "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    assert old["properties"]["kind"]["type"] == "string"
    assert old["properties"]["spec"] == {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "string", "description": "An a", "pattern": "^a$"},
            "n": {"type": "integer", "maximum": 10},
            "p": {"x-kubernetes-int-or-string": True},
            "q": {},
            "any": {"x-kubernetes-preserve-unknown-fields": True},
        },
    }
    document = await described.get(f"/openapi/v3/apis/{GROUP}/v1")
    new = document["components"]["schemas"][MODEL]["properties"]["spec"]
    assert new["required"] == ["a", "q"]
    assert new["properties"]["q"] == {"type": "string", "nullable": True}
    assert new["properties"]["p"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert new["oneOf"] == [{"required": ["a"]}]
    # Metadata are explained as those of every other object.
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    apps = await described.get("/openapi/v3/apis/apps/v1")
    assert document["components"]["schemas"][meta] == apps["components"]["schemas"][meta]
    patch = document["paths"][f"/apis/{GROUP}/v1/namespaces/{{namespace}}/crontabs/{{name}}"]["patch"]
    # Clients look here whether they may send strategic merge patches.
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]


async def test_the_index_tells_of_changes(described: Customs) -> None:
    await described.define(definition())
    name = f"apis/{GROUP}/v1"
    before = (await described.get("/openapi/v3"))["paths"]
    await described.patch(f"{CRDS}/{NAME}", {"spec": {"versions": [version(schema=spec_schema(a=STRING))]}})
    await described.settle()
    after = (await described.get("/openapi/v3"))["paths"]
    assert before[name] != after[name]
    assert {n: p for n, p in before.items() if n != name} == {n: p for n, p in after.items() if n != name}


async def test_etag_and_protobuf(described: Customs) -> None:
    first = await described.raw("GET", "/openapi/v2")
    same = await described.raw("GET", "/openapi/v2", headers={"if-none-match": first.headers["Etag"]})
    assert same.status == 304
    await described.define(
        definition("CronTab", version(schema=spec_schema(a={**STRING, "enum": ["x"], "default": "x"})))
    )
    new = await described.raw("GET", "/openapi/v2", headers={"if-none-match": first.headers["Etag"]})
    assert new.status == 200
    accept = {"accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    packed = await described.raw("GET", "/openapi/v2", headers=accept)
    assert isinstance(packed.body, bytes)
    assert MODEL.encode() in packed.body
    assert b"io.k8s.api.core.v1.Pod" in packed.body


# The lines of the conformance suite, by their names.


async def test_works_for_crd_with_validation_schema(described: Customs) -> None:
    schema = {
        "description": "Foo CRD for Testing",
        **spec_schema(bars={"description": "List of Bars", "type": "array", "items": STRING}),
    }
    await described.define(definition("CronTab", version(schema=schema)))
    assert await definition_of(described) == schema
    await described.delete(f"{CRDS}/{NAME}")
    await described.gone(f"{CRDS}/{NAME}")
    assert await definition_of(described) is None


async def test_works_for_crd_without_validation_schema(described: Customs) -> None:
    await described.define(definition("CronTab", version(schema={"type": "object"})))
    assert (await definition_of(described))["type"] == "object"


async def test_works_for_crd_preserving_unknown_fields_at_the_schema_root(described: Customs) -> None:
    schema = {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"spec": {"type": "object"}},
    }
    await described.define(definition("CronTab", version(schema=schema)))
    assert await definition_of(described) == {"type": "object"}


async def test_works_for_crd_preserving_unknown_fields_in_an_embedded_object(described: Customs) -> None:
    inner = {"type": "object", "description": "Specification", "x-kubernetes-preserve-unknown-fields": True}
    embedded = {**inner, "x-kubernetes-embedded-resource": True}
    schema = {"type": "object", "properties": {"spec": inner, "status": embedded}}
    await described.define(definition("CronTab", version(schema=schema)))
    left = {k: v for k, v in inner.items() if k != "type"}
    assert (await definition_of(described))["properties"] == {
        "spec": left, "status": {**left, "x-kubernetes-embedded-resource": True},
    }  # fmt: skip


async def test_works_for_multiple_crds_of_different_groups(described: Customs) -> None:
    await described.define(definition())
    await described.define(definition("CronTab", group="other.example"))
    assert await definition_of(described) is not None
    assert await definition_of(described, "example.other.v1.CronTab") is not None


async def test_works_for_multiple_crds_of_same_group_but_different_versions(described: Customs) -> None:
    await described.define(definition("CronTab", version("v2"), version("v3", storage=False)))
    await described.define(definition("Foo", version("v4")))
    for name in ("v2.CronTab", "v3.CronTab", "v4.Foo"):
        assert await definition_of(described, f"com.example.stable.{name}") is not None


async def test_works_for_multiple_crds_of_same_group_and_version_but_different_kinds(described: Customs) -> None:
    await described.define(definition("CronTab"))
    await described.define(definition("Foo"))
    assert await definition_of(described) is not None
    assert await definition_of(described, "com.example.stable.v1.Foo") is not None
    document = await described.get(f"/openapi/v3/apis/{GROUP}/v1")
    assert {MODEL, "com.example.stable.v1.Foo", "com.example.stable.v1.FooList"} <= set(
        document["components"]["schemas"]
    )


async def test_updates_the_published_spec_when_one_version_gets_renamed(described: Customs) -> None:
    await described.define(definition("CronTab", version("v2"), version("v3", storage=False)))
    patch = [{"op": "replace", "path": "/spec/versions/1/name", "value": "v4"}]
    await described.patch(f"{CRDS}/{NAME}", patch, "json-patch+json")
    await described.settle()
    assert await definition_of(described, "com.example.stable.v4.CronTab") is not None
    assert await definition_of(described, "com.example.stable.v3.CronTab") is None
    assert await definition_of(described, "com.example.stable.v2.CronTab") is not None


async def test_removes_definition_from_spec_when_one_version_gets_changed_to_not_be_served(described: Customs) -> None:
    await described.define(definition("CronTab", version("v5"), version("v6alpha1", storage=False)))
    crd = await described.get(f"{CRDS}/{NAME}")
    crd["spec"]["versions"][1]["served"] = False
    await described.put(f"{CRDS}/{NAME}", crd)
    await described.settle()
    assert await definition_of(described, "com.example.stable.v6alpha1.CronTab") is None
    unchanged = await definition_of(described, "com.example.stable.v5.CronTab")
    assert unchanged is not None
    assert json.dumps(unchanged)
