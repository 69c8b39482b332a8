"""Custom objects through the handlers of all kinds: strictness, patches, status, scale, columns, selectors, owners."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version

STRING, INTEGER = {"type": "string"}, {"type": "integer"}
SPEC = {"replicas": {**INTEGER, "default": 3, "minimum": 1}, "image": STRING}
SUB = {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                               "labelSelectorPath": ".status.selector"}}  # fmt: skip


def full_schema(**spec: Any) -> dict[str, Any]:
    schema = spec_schema(**(spec or SPEC))
    schema["properties"]["status"] = {"type": "object", "properties": {"replicas": INTEGER, "selector": STRING}}
    return schema


async def test_defaults_and_errors(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(**SPEC))))
    made = await crds.post(path(), custom(spec={"image": "x", "other": 1}))
    assert made["spec"] == {"image": "x", "replicas": 3}
    answer = await crds.post(path(), custom("b", spec={"replicas": "x"}), code=422)
    assert answer["message"] == (
        'CronTab.stable.example.com "b" is invalid: spec.replicas: Invalid value: "string": spec.replicas in body must be '
        'of type integer: "string"'
    )
    assert answer["details"]["causes"] == [
        {
            "reason": "FieldValueTypeInvalid",
            "message": 'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
            "field": "spec.replicas",
        }
    ]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (custom(spec={"other": 1}), 400, 'strict decoding error: unknown field "spec.other"'),
        (custom(spec={}) | {"metadata": {"name": "a", "foo": 1}}, 400, 'strict decoding error: unknown field "metadata.foo"'),
        (b'{"kind":"CronTab","apiVersion":"stable.example.com/v1","metadata":{"name":"a"},"spec":{"image":"x","image":"y"}}',
         400, 'strict decoding error: duplicate field "spec.image"'),
        (custom(version="v9"), 400, "the API version in the data (stable.example.com/v9) does not match the expected"),
        (custom(kind="Other"), 422, 'kind: Invalid value: "Other": must be CronTab'),
        ({"metadata": {"name": "a"}, "apiVersion": f"{GROUP}/v1"}, 400, "Object 'Kind' is missing in"),
        (custom("A"), 422, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain'),
        (custom() | {"metadata": {"name": "a", "labels": 5}}, 400, "cannot unmarshal number into Go struct field"),
        ([], 400, "cannot unmarshal array into Go value"),
    ],
)  # fmt: skip
async def test_refused(crds: Customs, body: Any, code: int, message: str) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(**SPEC))))
    answer = await crds.post(path() + "?fieldValidation=Strict", body, code=code)
    assert message in answer["message"]


async def test_unknown_fields_warn(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(**SPEC))))
    response = await crds.raw("POST", path(), custom(spec={"other": 1}))
    assert response.headers["Warning"] == '299 - "unknown field \\"spec.other\\""'
    response = await crds.raw("POST", path() + "?fieldValidation=Ignore", custom("b", spec={"other": 1}))
    assert "Warning" not in response.headers


async def test_yaml_and_protobuf(crds: Customs) -> None:
    await crds.define(definition())
    body = f"kind: CronTab\napiVersion: {GROUP}/v1\nmetadata: {{name: a}}\nspec: {{a: [1, on]}}\n".encode()
    made = await crds.do("POST", path(), body, {"content-type": "application/yaml"})
    assert made["spec"] == {"a": [1, True]}
    refused = await crds.do("POST", path(), b"k8s\0", {"content-type": "application/vnd.kubernetes.protobuf"}, code=400)
    assert "does not implement the protobuf marshalling interface" in refused["message"]


async def test_patches(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(**SPEC))))
    await crds.post(path(), custom(spec={"image": "x"}))
    one = path() + "/a"
    assert (await crds.patch(one, {"spec": {"image": None, "replicas": 5}}))["spec"] == {"replicas": 5}
    done = await crds.patch(one, [{"op": "add", "path": "/spec/image", "value": "y"}], "json-patch+json")
    assert done["spec"] == {"image": "y", "replicas": 5}
    assert done["metadata"]["generation"] == 3
    answer = await crds.patch(one, {"spec": {}}, "strategic-merge-patch+json", code=415)
    assert "strategic" not in answer["message"].partition("include: ")[2]
    answer = await crds.patch(one, {"spec": {"replicas": 0}}, code=422)
    assert "spec.replicas in body should be greater than or equal to 1" in answer["message"]


async def test_updates(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(**SPEC))))
    made = await crds.post(path(), custom(spec={"image": "x"}))
    one = path() + "/a"
    assert (await crds.put(one, made)) == made
    made["spec"] = {"image": "z", "replicas": 3}
    changed = await crds.put(one, made)
    assert changed["metadata"]["generation"] == 2
    await crds.put(one, made, code=409)
    del changed["metadata"]["resourceVersion"]
    answer = await crds.put(one, changed, code=422)
    assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in answer["message"]
    await crds.put(path() + "/b", custom("b"), code=404)


async def test_status(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=full_schema(), subresources=SUB)))
    made = await crds.post(path(), custom(spec={}, status={"replicas": 9}))
    assert "status" not in made
    one = path() + "/a"
    made["status"] = {"replicas": 1, "other": 1}
    made["spec"]["replicas"] = 7
    done = await crds.put(one + "/status", made)
    assert (done["spec"], done["status"]) == ({"replicas": 3}, {"replicas": 1})
    assert done["metadata"]["generation"] == 1
    done = await crds.patch(one, {"status": {"replicas": 5}, "spec": {"image": "x"}})
    assert done["status"] == {"replicas": 1}
    assert done["metadata"]["generation"] == 2
    done = await crds.patch(one + "/status", {"status": {"replicas": 5}, "metadata": {"labels": {"a": "b"}}})
    assert done["status"] == {"replicas": 5}
    assert "labels" not in done["metadata"]
    answer = await crds.patch(one + "/status", {"status": {"replicas": "x"}}, code=422)
    assert 'status.replicas: Invalid value: "string"' in answer["message"]
    assert (await crds.get(one + "/status"))["status"] == {"replicas": 5}


async def test_without_a_status_of_its_own_it_is_part_of_the_object(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=full_schema())))
    assert (await crds.post(path(), custom(status={"replicas": 1})))["status"] == {"replicas": 1}
    done = await crds.patch(path() + "/a", {"status": {"replicas": 2}})
    assert done["metadata"]["generation"] == 2
    await crds.get(path() + "/a/status", code=404)


async def test_scale(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=full_schema(), subresources=SUB)))
    await crds.post(path(), custom(spec={"replicas": 2}))
    one = path() + "/a"
    await crds.patch(one + "/status", {"status": {"replicas": 1, "selector": "a=b"}})
    scale = await crds.get(one + "/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "a=b"})
    scale["spec"]["replicas"] = 5
    assert (await crds.put(one + "/scale", scale))["spec"] == {"replicas": 5}
    assert (await crds.patch(one + "/scale", {"spec": {"replicas": 6}}))["spec"] == {"replicas": 6}
    done = await crds.get(one)
    assert done["spec"]["replicas"] == 6
    assert done["metadata"]["generation"] == 3
    await crds.patch(one, {"spec": {"replicas": -1}}, code=422)


async def test_scale_without_replicas(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=full_schema(replicas=INTEGER), subresources=SUB)))
    await crds.post(path(), custom(spec={}))
    answer = await crds.get(path() + "/a/scale", code=500)
    assert 'the spec replicas field ".spec.replicas" does not exist' in answer["message"]
    answer = await crds.patch(path() + "/a", {"spec": {"replicas": -1}}, code=422)
    assert ".spec.replicas: Invalid value: -1: should be a non-negative integer" in answer["message"]


TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


async def test_columns(crds: Customs) -> None:
    columns = [
        {"name": "Image", "type": "string", "jsonPath": ".spec.image", "description": "which", "priority": 1},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Fits", "type": "boolean", "jsonPath": ".spec.image"},
        {"name": "All", "type": "string", "jsonPath": ".spec"},
    ]
    await crds.define(definition("CronTab", version(additionalPrinterColumns=columns)))
    status = {"conditions": [{"type": "Bad", "status": "x"}, {"type": "Ready", "status": "True"}]}
    await crds.post(path(), custom(spec={"image": "x", "replicas": 2.0}, status=status))
    table = await crds.get(path(), headers=TABLE)
    assert [c["name"] for c in table["columnDefinitions"]] == [
        "Name",
        "Image",
        "Replicas",
        "Since",
        "Ready",
        "Fits",
        "All",
    ]
    assert table["columnDefinitions"][1]["priority"] == 1
    assert table["columnDefinitions"][1]["description"] == "which"
    assert table["rows"][0]["cells"] == ["a", "x", 2, "0s", "True", None, '{"image":"x","replicas":2.0}']
    event = (await crds.watch(path() + "?watch=1", 1, TABLE))[0]
    assert event["object"]["rows"][0]["cells"][:2] == ["a", "x"]


async def test_age_is_the_default_column(crds: Customs) -> None:
    await crds.define(definition())
    await crds.post(path(), custom())
    table = await crds.get(path() + "/a", headers=TABLE)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Age"]
    assert table["rows"][0]["cells"] == ["a", "0s"]


async def test_selectable_fields(crds: Customs) -> None:
    schema = spec_schema(color=STRING, size={**INTEGER, "default": 1})
    fields = [{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.size"}]
    await crds.define(definition("CronTab", version(schema=schema, selectableFields=fields)))
    for name, spec in {"a": {"color": "red"}, "b": {"color": "blue", "size": 2}, "c": {}}.items():
        await crds.post(path(), custom(name, spec=spec))

    async def names(selector: str) -> list[str]:
        return [i["metadata"]["name"] for i in (await crds.get(f"{path()}?fieldSelector={selector}"))["items"]]

    assert await names("spec.color=red") == ["a"]
    assert await names("spec.size=1") == ["a", "c"]
    assert await names("spec.color!=red,spec.size=2") == ["b"]
    assert await names("spec.color=") == ["c"]
    assert await names("metadata.name=b") == ["b"]
    answer = await crds.get(f"{path()}?fieldSelector=spec.shape=x", code=400)
    assert "field label not supported: spec.shape" in answer["message"]
    response = await crds.raw("GET", f"{path()}?watch=1&fieldSelector=spec.color=red")
    assert not isinstance(response.body, bytes)
    await crds.patch(path() + "/a", {"spec": {"color": "blue"}})
    chunk = await anext(aiter(response.body)) + await anext(aiter(response.body))
    assert [json.loads(line)["type"] for line in chunk.splitlines()] == ["ADDED", "DELETED"]
    await response.body.aclose()  # type: ignore[attr-defined]


async def test_embedded_resources(crds: Customs) -> None:
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    await crds.define(definition("CronTab", version(schema=spec_schema(template=embedded))))
    template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "foo": 1}, "spec": {"any": 1}}
    response = await crds.raw("POST", path(), custom(spec={"template": template}))
    assert response.headers["Warning"] == '299 - "unknown field \\"spec.template.metadata.foo\\""'
    made = await crds.get(path() + "/a")
    assert made["spec"]["template"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"any": 1},
    }
    answer = await crds.post(path(), custom("b", spec={"template": {"kind": "Pod"}}), code=422)
    assert "spec.template.apiVersion: Required value" in answer["message"]


async def test_rules_with_transitions(crds: Customs) -> None:
    rules = [
        {"rule": "self.replicas >= oldSelf.replicas", "message": "no shrinking"},
        {"rule": "self.replicas < 10", "messageExpression": "'%d is too many'.format([self.replicas])", "fieldPath": ".replicas"},
    ]  # fmt: skip
    schema = spec_schema(**SPEC)
    schema["properties"]["spec"]["x-kubernetes-validations"] = rules
    await crds.define(definition("CronTab", version(schema=schema)))
    answer = await crds.post(path(), custom(spec={"replicas": 12}), code=422)
    assert "spec.replicas: Invalid value: 12 is too many" in answer["message"]
    await crds.post(path(), custom(spec={"replicas": 5}))
    answer = await crds.patch(path() + "/a", {"spec": {"replicas": 4}}, code=422)
    assert "spec: Invalid value: no shrinking" in answer["message"]
    await crds.patch(path() + "/a", {"spec": {"replicas": 6}})
    answer = await crds.patch(path() + "/a", {"spec": {"replicas": "x"}}, code=422)
    assert "some validation rules were not checked because the object was invalid" in answer["message"]


async def test_ratcheting(crds: Customs) -> None:
    await crds.define(definition("CronTab", version(schema=spec_schema(a=STRING, b=STRING))))
    await crds.post(path(), custom(spec={"a": "long", "b": "x"}))
    where = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/a/maxLength"
    await crds.patch(f"{CRDS}/crontabs.{GROUP}", [{"op": "add", "path": where, "value": 2}], "json-patch+json")
    await crds.settle()
    assert (await crds.patch(path() + "/a", {"spec": {"b": "y"}}))["spec"] == {"a": "long", "b": "y"}
    await crds.patch(path() + "/a", {"spec": {"a": "other"}}, code=422)


async def test_finalizers_without_a_domain_warn(crds: Customs) -> None:
    await crds.define(definition())
    body = custom()
    body["metadata"]["finalizers"] = ["foregroundDeletion", "keep.it"]
    response = await crds.raw("POST", path(), body)
    assert "prefer a domain-qualified finalizer name including a path (/)" in response.headers["Warning"]
    response = await crds.raw("PATCH", path() + "/a", {"spec": {}}, {"content-type": "application/merge-patch+json"})
    assert "Warning" not in response.headers


async def test_dry_run_delete_and_collections(crds: Customs) -> None:
    await crds.define(definition())
    assert "resourceVersion" not in (await crds.post(path() + "?dryRun=All", custom()))["metadata"]
    for name in "abc":
        await crds.post(path(), custom(name))
    await crds.delete(path() + "/a?dryRun=All")
    status = await crds.delete(path() + "/a")
    assert (status["status"], status["details"]["kind"]) == ("Success", "crontabs")
    gone = await crds.delete(path())
    assert [i["metadata"]["name"] for i in gone["items"]] == ["b", "c"]
    assert (await crds.get(path()))["items"] == []


async def test_metadata_only(crds: Customs) -> None:
    await crds.define(definition())
    await crds.post(path(), custom(spec={"a": 1}))
    accept = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    found = (await crds.get(path(), headers=accept))["items"][0]
    assert (found["kind"], found["metadata"]["name"]) == ("PartialObjectMetadata", "a")
    assert "spec" not in found


async def test_apply_and_owners_of_fields(crds: Customs) -> None:
    items = {"type": "object", "required": ["k"], "properties": {"k": STRING, "v": STRING}}
    ports = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": items}
    schema = spec_schema(a=STRING, ports=ports)
    await crds.define(definition("CronTab", version(schema=schema, subresources={"status": {}})))

    async def apply(manager: str, spec: Any, code: int | None = None, more: str = "") -> Any:
        url = f"{path()}/a?fieldManager={manager}{more}"
        return await crds.patch(url, custom(spec=spec), "apply-patch+yaml", code=code)

    made = await apply("one", {"a": "x", "ports": [{"k": "1", "v": "x"}]})
    fields = made["metadata"]["managedFields"][0]["fieldsV1"]
    assert fields == {"f:spec": {"f:a": {}, "f:ports": {'k:{"k":"1"}': {".": {}, "f:k": {}, "f:v": {}}}}}
    merged = await apply("two", {"ports": [{"k": "2"}]})
    assert merged["spec"]["ports"] == [{"k": "1", "v": "x"}, {"k": "2"}]
    answer = await apply("two", {"a": "y"}, code=409)
    assert 'conflict with "one": .spec.a' in answer["message"]
    forced = await apply("two", {"a": "y"}, more="&force=true")
    assert forced["spec"] == {"a": "y", "ports": [{"k": "1", "v": "x"}]}


async def test_owners_and_namespaces(crds: Customs) -> None:
    await crds.define(definition())
    answer = await crds.post(path(namespace="absent"), custom(), code=404)
    assert answer["message"] == 'namespaces "absent" not found'
    await crds.post(path(), custom() | {"metadata": {"name": "a", "namespace": "other"}}, code=400)
    body = custom()
    body["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]
    assert (await crds.post(path(), body))["metadata"]["ownerReferences"][0]["kind"] == "Pod"
