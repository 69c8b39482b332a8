"""Unknown and duplicate fields, when a client wants to hear of them."""

import pytest
from tests.conformance.asking import PATCHES
from tests.conformance.crds import defined, definition, undefined

pytestmark = pytest.mark.asyncio(loop_scope="session")

PORT = {
    "type": "object",
    "required": ["containerPort", "protocol"],
    "properties": {
        "containerPort": {"type": "integer", "format": "int32"},
        "hostIP": {"type": "string"},
        "hostPort": {"type": "integer", "format": "int32"},
        "name": {"type": "string"},
        "protocol": {"type": "string"},
    },
}
SPEC = {
    "foo": {"type": "string"},
    "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
    "ports": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
        "items": PORT,
    },
}
EMBEDDED = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
        "spec": {"type": "object"},
    },
}
HEAD = """
apiVersion: {version}
kind: TestCRD
metadata:
  name: mytest
  finalizers:
  - example.com/test
"""
TAIL = """  foo: foo1
  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP
"""
DEPLOYMENT = """{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": {"name": "my-dep", %s "labels": {"app": "web"}},
  "spec": {%s
    "selector": {"matchLabels": {"app": "web"}},
    "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
  }
}"""


def schema(preserve=False, **more):
    spec = {"type": "object", "properties": SPEC | more}
    if preserve:
        spec["x-kubernetes-preserve-unknown-fields"] = True
    return {"type": "object", "properties": {"spec": spec}}


@pytest.fixture
def apply(api, unique):
    """Define a resource of that schema and apply an object to it, strictly: the answer's message, or the object."""

    async def define_and_apply(schema, text, code=201):
        crd = definition(unique, schema, "Cluster")
        path = f"{await defined(api, crd)}/mytest"
        body = text.replace("{version}", f"{crd['spec']['group']}/v1").encode()
        response = await api.ask(
            "PATCH",
            path,
            body,
            code=code,
            headers={"content-type": PATCHES["apply"]},
            fieldManager="test",
            fieldValidation="Strict",
        )
        if code == 201:
            await api.patch(path, {"metadata": {"finalizers": None}})
        await undefined(api, crd)
        return response if code == 201 else response["message"]

    return define_and_apply


def deployments(ns):
    return f"/apis/apps/v1/namespaces/{ns}/deployments"


async def test_should_detect_unknown_and_duplicate_fields_of_a_typed_object(api, ns):
    """FieldValidation should detect unknown and duplicate fields of a typed object"""
    body = (DEPLOYMENT % ("", '"unknownField": "foo", "replicas": 2, "replicas": 3,')).encode()
    refused = await api.post(deployments(ns), body, code=400, fieldManager="test", fieldValidation="Strict")
    problems = 'strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"'
    assert problems in refused["message"]
    warned = await api.raw("POST", deployments(ns), body, fieldValidation="Warn")
    assert warned.status == 201
    assert 'duplicate field \\"spec.replicas\\"' in warned.headers["warning"]


async def test_should_detect_unknown_metadata_fields_of_a_typed_object(api, ns):
    """FieldValidation should detect unknown metadata fields of a typed object"""
    body = (DEPLOYMENT % ('"unknownMeta": "foo",', "")).encode()
    refused = await api.post(deployments(ns), body, code=400, fieldManager="test", fieldValidation="Strict")
    assert 'strict decoding error: unknown field "metadata.unknownMeta"' in refused["message"]


async def test_should_create_apply_a_valid_cr_for_crd_with_validation_schema(apply):
    """FieldValidation should create/apply a valid CR for CRD with validation schema"""
    applied = await apply(schema(), f"{HEAD}spec:\n{TAIL}")
    assert applied["spec"]["ports"] == [{"name": "x", "containerPort": 80, "protocol": "TCP"}]


async def test_should_create_apply_a_cr_with_unknown_fields_for_crd_with_no_validation_schema(apply):
    """FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema"""
    applied = await apply(None, f"{HEAD}spec:\n  unknown: uk1\n{TAIL}")
    assert applied["spec"]["unknown"] == "uk1"


async def test_should_create_apply_an_invalid_cr_with_extra_properties_for_crd_with_validation_schema(apply):
    """FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema"""
    message = await apply(schema(), f"{HEAD}unknownField: unknown\nspec:\n{TAIL}", code=500)
    assert ".unknownField: field not declared in schema" in message


async def test_should_detect_unknown_metadata_fields_in_both_the_root_and_embedded_object_of_a_cr(apply):
    """FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR"""
    template = """spec:
  template:
    apiversion: foo/v1
    kind: Sub
    metadata:
      unknownSubMeta: unknown
      name: subobject
      namespace: somewhere
"""
    text = HEAD.replace("  name: mytest\n", "  name: mytest\n  unknownMeta: unknown\n") + template + TAIL
    message = await apply(schema(preserve=True, template=EMBEDDED), text, code=500)
    unknown = ("spec.template.metadata.unknownSubMeta", "metadata.unknownMeta")
    assert any(f".{field}: field not declared in schema" in message for field in unknown)


async def test_should_detect_duplicates_in_a_cr_when_preserving_unknown_fields(apply):
    """FieldValidation should detect duplicates in a CR when preserving unknown fields"""
    message = await apply(schema(preserve=True), f"{HEAD}spec:\n  unknown: uk1\n  foo: foo0\n{TAIL}", code=400)
    assert 'line 11: key "foo" already set in map' in message
