"""Definitions that come, change and go, and what is served meanwhile."""

from __future__ import annotations

import asyncio
import json

from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version

from steersman.apiserver.crd.kind import CustomKind

NAME = f"crontabs.{GROUP}"


def conditions(crd: object) -> dict[str, tuple[str, str]]:
    assert isinstance(crd, dict)
    return {c["type"]: (c["status"], c["reason"]) for c in crd["status"]["conditions"]}


async def test_comes_and_goes(crds: Customs) -> None:
    await crds.get(path(), code=404)
    made = await crds.define(definition(shortNames=["ct"]))
    assert made["status"]["storedVersions"] == ["v1"]
    crd = await crds.get(f"{CRDS}/{NAME}")
    assert conditions(crd) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert crd["status"]["acceptedNames"] == {
        "plural": "crontabs", "singular": "crontab", "kind": "CronTab", "listKind": "CronTabList", "shortNames": ["ct"],
    }  # fmt: skip
    made = await crds.post(path(), custom(spec={"a": 1}))
    assert made["spec"] == {"a": 1}
    assert made["metadata"]["generation"] == 1
    assert (await crds.get(path() + "/a")) == made
    listed = await crds.get(path())
    assert listed["kind"] == "CronTabList"
    assert listed["items"] == [made]
    gone = await crds.delete(f"{CRDS}/{NAME}")
    assert gone["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert conditions(gone)["Terminating"] == ("True", "InstanceDeletionPending")
    await crds.gone(f"{CRDS}/{NAME}")
    await crds.get(path(), code=404)
    await crds.define(definition())
    assert (await crds.get(path()))["items"] == []


async def test_schemas_are_unpacked_for_objects_alone(crds: Customs) -> None:
    """Who looks at the definition leaves nothing behind."""
    await crds.define(definition())
    (served,) = crds.app.custom.served
    assert isinstance(served.kind, CustomKind)
    rules = served.kind.rules
    assert rules.schema is not rules.schema
    await crds.patch(f"{CRDS}/{NAME}", {"metadata": {"labels": {"a": "b"}}})
    await crds.settle()
    assert rules.schema is not rules.schema
    await crds.post(path(), custom(spec={"a": 1}))
    assert rules.schema is rules.schema
    # The definition says what it said before: what serves it is the same.
    assert crds.app.custom.served == [served]


async def test_deletion_waits_for_objects(crds: Customs) -> None:
    await crds.define(definition())
    kept = custom()
    kept["metadata"]["finalizers"] = ["a.example/keep"]
    await crds.post(path(), kept)
    await crds.post(path(), custom("b"))
    await crds.delete(f"{CRDS}/{NAME}")
    await crds.condition(NAME, "Terminating", "True")
    await crds.settle()
    assert [i["metadata"]["name"] for i in (await crds.get(path()))["items"]] == ["a"]
    answer = await crds.post(path(), custom("c"), code=403)
    assert "create not allowed while custom resource definition is terminating" in answer["message"]
    shown = await crds.get(f"/apis/{GROUP}/v1")
    assert shown["resources"][0]["verbs"] == ["delete", "deletecollection", "get", "list", "watch"]
    await crds.patch(path() + "/a", {"metadata": {"finalizers": None}})
    await crds.gone(f"{CRDS}/{NAME}")
    await crds.get(path(), code=404)


async def test_watches_end_with_the_definition(crds: Customs) -> None:
    await crds.define(definition())
    await crds.post(path(), custom())
    response = await crds.raw("GET", path() + "?watch=1")
    assert not isinstance(response.body, bytes)

    async def read() -> list[str]:
        assert not isinstance(response.body, bytes)
        return [json.loads(line)["type"] async for chunk in response.body for line in chunk.splitlines()]

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await crds.settle()
        await crds.delete(f"{CRDS}/{NAME}")
    assert reading.result() == ["ADDED", "DELETED"]


async def test_names_are_given_once(crds: Customs) -> None:
    await crds.define(definition())
    await crds.post(CRDS, definition("CronTab", plural="others"))
    other = await crds.condition(f"others.{GROUP}", "NamesAccepted", "False")
    assert conditions(other)["NamesAccepted"][1] in ("KindConflict", "ListKindConflict")
    assert conditions(other)["Established"] == ("False", "NotAccepted")
    await crds.get(path("others"), code=404)
    await crds.delete(f"{CRDS}/{NAME}")
    await crds.established(f"others.{GROUP}")
    await crds.post(path("others"), custom())


async def test_a_never_established_definition_goes(crds: Customs) -> None:
    await crds.define(definition())
    await crds.post(CRDS, definition("CronTab", plural="others"))
    await crds.condition(f"others.{GROUP}", "NamesAccepted", "False")
    await crds.delete(f"{CRDS}/others.{GROUP}")
    await crds.gone(f"{CRDS}/others.{GROUP}")


async def test_changes_take_effect_at_once(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(a={"type": "string"}))))
    await crds.post(path(), custom(spec={"a": "x"}))
    crd = await crds.get(f"{CRDS}/{NAME}")
    schema = spec_schema(a={"type": "string", "maxLength": 1}, b={"type": "string", "default": "new"})
    crd["spec"]["versions"] = [version(schema=schema), version("v2", storage=False, schema=schema)]
    crd["spec"]["names"]["shortNames"] = ["ct"]
    await crds.put(f"{CRDS}/{NAME}", crd)
    await crds.settle()
    # Defaults are there for what was stored before, in every version.
    assert (await crds.get(path() + "/a"))["spec"] == {"a": "x", "b": "new"}
    assert (await crds.get(path(version="v2")))["items"][0]["apiVersion"] == f"{GROUP}/v2"
    await crds.post(path(), custom("b", spec={"a": "xx"}), code=422)
    groups = await crds.get(f"/apis/{GROUP}")
    assert [v["version"] for v in groups["versions"]] == ["v2", "v1"]
    assert (await crds.get(f"/apis/{GROUP}/v2"))["resources"][0]["shortNames"] == ["ct"]
    crd = await crds.get(f"{CRDS}/{NAME}")
    crd["spec"]["versions"][1]["served"] = False
    await crds.put(f"{CRDS}/{NAME}", crd)
    await crds.settle()
    await crds.get(path(version="v2"), code=404)
    await crds.get(f"/apis/{GROUP}/v2", code=404)


async def test_fields_that_a_schema_forgets_are_gone(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(a={"type": "string"}, b={"type": "string"}))))
    await crds.post(path(), custom(spec={"a": "x", "b": "y"}))
    patch = [{"op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/b"}]
    await crds.patch(f"{CRDS}/{NAME}", patch, "json-patch+json")
    await crds.settle()
    assert (await crds.get(path() + "/a"))["spec"] == {"a": "x"}
    events = await crds.watch(path() + "?watch=1", 1)
    assert events[0]["object"]["spec"] == {"a": "x"}


async def test_invalid_definitions_are_refused(crds: Customs) -> None:
    bad = definition("CronTab", version(schema={"type": "string"}))
    answer = await crds.post(CRDS, bad, code=422)
    assert (
        'spec.validation.openAPIV3Schema.type: Invalid value: "string": must be object at the root' in answer["message"]
    )
    response = await crds.raw(
        "POST", CRDS, definition("CronTab", version(schema=spec_schema(a={"type": "string", "format": "x"})))
    )
    assert response.status == 201
    assert "unrecognized format" in response.headers["Warning"]


async def test_cluster_scope(crds: Customs) -> None:
    await crds.define(definition("CronTab", scope="Cluster"))
    await crds.post(path(namespace=""), custom())
    assert "namespace" not in (await crds.get(path(namespace="") + "/a"))["metadata"]
    await crds.get(path(), code=404)


async def test_deprecated_versions_warn(crds: Customs) -> None:
    old = version("v1alpha1", storage=False, deprecated=True)
    older = version("v1beta1", storage=False, deprecated=True, deprecationWarning="stop it")
    await crds.define(definition("CronTab", version(), old, older))
    response = await crds.raw("GET", path(version="v1alpha1"))
    assert response.headers["Warning"] == f'299 - "{GROUP}/v1alpha1 CronTab is deprecated; use {GROUP}/v1 CronTab"'
    response = await crds.raw("GET", path(version="v1beta1"))
    assert response.headers["Warning"] == '299 - "stop it"'
    assert "Warning" not in (await crds.raw("GET", path())).headers
