"""What is refused in a definition, new or changed, in which words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.apiextensions import crd_status
from steersman.kinds.apiextensions.customresourcedefinition import KIND
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition, CustomResourceDefinitionCondition

SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": {}}}}
ROOT = "spec.validation.openAPIV3Schema"
SPEC = f"{ROOT}.properties[spec]"


def plain(**spec: Any) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": copy.deepcopy(SCHEMA)}}
    return {
        "metadata": {"name": "foos.a.example"},
        "spec": {
            "group": "a.example",
            "scope": "Namespaced",
            "names": {"plural": "foos", "kind": "Foo"},
            "versions": [version],
            **spec,
        },
    }


def made(given: dict[str, Any]) -> CustomResourceDefinition:
    obj = codec.from_builtins(CustomResourceDefinition, given)[0]
    KIND.default(obj)
    KIND.prepare_create(obj)
    return obj


def errors(given: dict[str, Any]) -> list[str]:
    return [str(e) for e in KIND.validate(made(given))]


def with_schema(**properties: Any) -> dict[str, Any]:
    """A definition whose spec has these properties."""
    given = plain()
    schema(given)["properties"]["spec"]["properties"] = properties
    return given


def schema(given: dict[str, Any]) -> Any:
    return given["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def test_good() -> None:
    assert errors(plain()) == []


def edit(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Sets what is at a path of the spec."""

    def change(given: dict[str, Any]) -> None:
        at: Any = given["spec"]
        *steps, last = (int(s) if s.isdigit() else s for s in path.split("."))
        for step in steps:
            at = at[step] if isinstance(at, list) else at.setdefault(step, {})
        at[last] = value

    return change


DNS_1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and "
    "end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edit("group", "example"), 'spec.group: Invalid value: "example": should be a domain with at least one dot'),
        (edit("group", ""), "spec.group: Required value"),
        (edit("scope", "World"), 'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'),
        (edit("names.kind", "Foo_"), "spec.names.kind: Invalid value: \"Foo_\": may have mixed case, but should otherwise"),
        (edit("names.singular", "FOO"), f'spec.names.singular: Invalid value: "FOO": {DNS_1035}'),
        (edit("names.listKind", "Foo"), 'spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same'),
        (edit("names.shortNames", ["F"]), f'spec.names.shortNames[0]: Invalid value: "F": {DNS_1035}'),
        (edit("names.categories", ["A"]), f'spec.names.categories[0]: Invalid value: "A": {DNS_1035}'),
        (edit("names.plural", "bars"), 'metadata.name: Invalid value: "foos.a.example": must be spec.names.plural+"."'),
        (edit("versions.0.name", "V1"), f'spec.versions[0].name: Invalid value: "V1": {DNS_1035}'),
        (edit("versions.0.storage", False), "must have exactly one version marked as storage version"),
        (edit("versions.0.schema", None), "spec.versions[0].schema.openAPIV3Schema: Required value"),
        (edit("versions.0.deprecationWarning", "x"), "can only be set for deprecated versions"),
        (edit("preserveUnknownFields", True), "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in"),
        (edit("conversion.strategy", "Magic"), 'spec.conversion.strategy: Unsupported value: "Magic": supported values: "None"'),
        (edit("conversion.strategy", "Webhook"), "spec.conversion.webhookClientConfig: Required value: required when"),
        (
            edit("conversion", {"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}}),
            "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
        ),
        (
            edit("versions.0.additionalPrinterColumns", [{"name": "", "type": "x", "jsonPath": "a", "format": "y"}]),
            "spec.additionalPrinterColumns[0].name: Required value",
        ),
        (
            edit("versions.0.additionalPrinterColumns", [{"name": "a", "type": "x", "jsonPath": ".a"}]),
            'spec.additionalPrinterColumns[0].type: Invalid value: "x": must be one of boolean,date,integer,number,string',
        ),
        (
            edit("versions.0.additionalPrinterColumns", [{"name": "a", "type": "date", "jsonPath": "a"}]),
            'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .',
        ),
        (
            edit("versions.0.subresources", {"scale": {"specReplicasPath": ".status.x", "statusReplicasPath": ".status.y"}}),
            'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
        ),
        (
            edit("versions.0.selectableFields", [{"jsonPath": ".spec.nope"}]),
            'spec.selectableFields[0].jsonPath: Invalid value: ".spec.nope": is an invalid path: does not refer to a valid',
        ),
        (
            edit("versions.0.selectableFields", [{"jsonPath": ".spec"}]),
            "must point to a field of type string, boolean or integer",
        ),
    ],
)  # fmt: skip
def test_refused(change: Callable[[dict[str, Any]], None], message: str) -> None:
    given = plain()
    change(given)
    assert any(message in e for e in errors(given)), errors(given)


STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("property_", "message"),
    [
        ({}, f"{SPEC}.properties[x].type: Required value: must not be empty for specified object fields"),
        ({"type": "array"}, f"{SPEC}.properties[x].items: Required value: must be specified"),
        ({"type": "array", "items": {}}, f"{SPEC}.properties[x].items.type: Required value: must not be empty for specified"),
        ({"type": "any"}, f'{SPEC}.properties[x].type: Unsupported value: "any": supported values: "array", "boolean"'),
        ({**STRING, "pattern": "("}, f'{SPEC}.properties[x].pattern: Invalid value: "(": must be a valid regular expression'),
        ({**STRING, "uniqueItems": True}, f"{SPEC}.properties[x].uniqueItems: Forbidden: uniqueItems cannot be set to true"),
        ({**STRING, "$ref": "#/x"}, f"{SPEC}.properties[x].$ref: Forbidden: $ref is not supported"),
        ({**STRING, "id": "x"}, f"{SPEC}.properties[x].id: Forbidden: id is not supported"),
        ({**STRING, "default": 5}, f'{SPEC}.properties[x].default: Invalid value: "integer":  in body must be of'),
        (
            {"type": "object", "properties": {"a": STRING}, "default": {"b": 1}},
            f'{SPEC}.properties[x].default: Invalid value: {{"b":1}}: must not have unknown fields',
        ),
        (
            {"type": "object", "properties": {"a": STRING}, "additionalProperties": STRING},
            f"{SPEC}.properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {**STRING, "allOf": [{"description": "x"}]},
            f"{SPEC}.properties[x].allOf[0].description: Forbidden: must be empty to be structural",
        ),
        (
            {**STRING, "x-kubernetes-preserve-unknown-fields": False},
            f"{SPEC}.properties[x].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
        ),
        (
            {**STRING, "x-kubernetes-embedded-resource": True},
            f'{SPEC}.properties[x].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
        ),
        (
            {"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True},
            f"{SPEC}.properties[x].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if",
        ),
        (
            {**STRING, "x-kubernetes-list-type": "set"},
            f'{SPEC}.properties[x].type: Invalid value: "string": must be array if x-kubernetes-list-type is specified',
        ),
        (
            {"type": "array", "items": STRING, "x-kubernetes-list-type": "bag"},
            f'{SPEC}.properties[x].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"',
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": STRING}}, "x-kubernetes-list-type": "map"},
            f"{SPEC}.properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if",
        ),
        (
            {
                "type": "array",
                "items": {"type": "object", "properties": {"a": STRING}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a"],
            },
            f"{SPEC}.properties[x].items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys",
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": STRING}}, "x-kubernetes-list-type": "set"},
            f"{SPEC}.properties[x].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with",
        ),
        (
            {**STRING, "x-kubernetes-validations": [{"rule": " "}]},
            f"{SPEC}.properties[x].x-kubernetes-validations[0].rule: Required value: rule is not specified",
        ),
        (
            {**STRING, "x-kubernetes-validations": [{"rule": "self.nope"}]},
            f"{SPEC}.properties[x].x-kubernetes-validations[0].rule: Invalid value: ",
        ),
        (
            {**STRING, "x-kubernetes-validations": [{"rule": "true", "reason": "Because"}]},
            f'{SPEC}.properties[x].x-kubernetes-validations[0].reason: Unsupported value: "Because": supported values',
        ),
        (
            {"type": "array", "items": {**STRING, "x-kubernetes-validations": [{"rule": "self.matches('^a')"}]}},
            "estimated rule cost exceeds budget by factor of",
        ),
        (
            {"type": "array", "maxItems": 2, "items": {**STRING, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}},
            f"oldSelf cannot be used on the uncorrelatable portion of the schema within {SPEC}.properties[x]",
        ),
        (
            {**STRING, "x-kubernetes-validations": [{"rule": "true", "optionalOldSelf": True}]},
            "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
        ),
    ],
)  # fmt: skip
def test_schema_refused(property_: Any, message: str) -> None:
    found = errors(with_schema(x=property_))
    assert any(message in e for e in found), found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "string"}, f'{ROOT}.type: Invalid value: "string": must be object at the root'),
        ({"type": ""}, f"{ROOT}.type: Required value: must not be empty at the root"),
        (
            {"anyOf": [{"properties": {"a": {"minLength": 1}}}]},
            f"{ROOT}.properties[a]: Required value: because it is defined in {ROOT}.anyOf[0].properties[a]",
        ),
        ({"nullable": True}, "spec.validation.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root"),
        (
            {"properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}},
            f"{ROOT}.properties[metadata]: Forbidden: must not specify anything other than name and generateName",
        ),
        ({"properties": {"kind": {"type": "integer"}}}, f'{ROOT}.properties[kind].type: Invalid value: "integer": must be string'),
        (
            {"properties": {"metadata": {"type": "object", "default": {}}}},
            f"{ROOT}.properties[metadata].default: Forbidden: must not be set in top-level metadata",
        ),
        (
            {"properties": None, "additionalProperties": {"type": "string"}},
            f"{ROOT}.additionalProperties: Forbidden: must not be used at the root",
        ),
    ],
)  # fmt: skip
def test_root_refused(change: dict[str, Any], message: str) -> None:
    given = plain()
    schema(given).update(change)
    found = errors(given)
    assert any(message in e for e in found), found


@pytest.mark.parametrize(
    "property_",
    [
        {"x-kubernetes-int-or-string": True},
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}]},
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {**STRING, "format": "date-time", "nullable": True},
        {**STRING, "default": "x", "x-kubernetes-validations": [{"rule": "self == 'x'"}]},
    ],
)
def test_schema_accepted(property_: Any) -> None:
    assert errors(with_schema(x=property_)) == []


def test_defaults_follow_rules() -> None:
    found = errors(with_schema(x={**STRING, "default": "y", "x-kubernetes-validations": [{"rule": "self == 'x'"}]}))
    assert found == [f"{SPEC}.properties[x].default: Invalid value: \"y\": failed rule: self == 'x'"]


def test_different_schemas_are_named_by_version() -> None:
    given = with_schema(x={})
    other = {"name": "v2", "served": True, "storage": False, "schema": {"openAPIV3Schema": SCHEMA}}
    given["spec"]["versions"].append(other)
    where = "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[x].type"
    assert errors(given) == [f"{where}: Required value: must not be empty for specified object fields"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://a.example", "url: Invalid value: \"http\": 'https' is the only allowed URL scheme"),
        ("https://", 'url: Invalid value: "": host must be specified'),
        ("https://u@a.example", 'url: Invalid value: "u": user information is not permitted in the URL'),
        ("https://a.example?x=1", 'url: Invalid value: "x=1": query parameters are not permitted in the URL'),
        ("https://a.example#x", 'url: Invalid value: "x": fragments are not permitted in the URL'),
    ],
)
def test_webhook_url(url: str, message: str) -> None:
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": {"url": url}}
    found = errors(plain(conversion={"strategy": "Webhook", "webhook": webhook}))
    assert any(message in e for e in found), found


def test_webhook_versions_and_service() -> None:
    webhook = {
        "conversionReviewVersions": ["v9", "v9"],
        "clientConfig": {"service": {"name": "", "namespace": "x", "path": "//"}},
    }
    found = errors(plain(conversion={"strategy": "Webhook", "webhook": webhook}))
    assert found == [
        "spec.conversion.webhookClientConfig.service.name: Required value",
        'spec.conversion.webhookClientConfig.service.path: Invalid value: "//": segment[0] may not be empty',
        'spec.conversion.conversionReviewVersions[1]: Invalid value: "v9": duplicate version',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v9","v9"]: must include at least one of v1, v1beta1',
    ]


@pytest.mark.parametrize(
    ("annotation", "good"),
    [
        ("", False),
        ("https://github.com/kubernetes/kubernetes/pull/1", True),
        ("unapproved, experimental", True),
        ("nonsense", False),
    ],
)
def test_groups_of_the_community(annotation: str, good: bool) -> None:
    given = plain(group="x.k8s.io")
    given["metadata"] = {"name": "foos.x.k8s.io", "annotations": {"api-approved.kubernetes.io": annotation}}
    found = errors(given)
    assert (found == []) is good
    assert good or "metadata.annotations[api-approved.kubernetes.io]" in found[0]


# Changes


def changed(before: dict[str, Any], after: dict[str, Any], *, established: bool = True) -> list[str]:
    old = made(before)
    if established:
        old.status.conditions = [CustomResourceDefinitionCondition(type=crd_status.ESTABLISHED, status="True")]
    new = codec.from_builtins(CustomResourceDefinition, after)[0]
    KIND.default(new)
    KIND.prepare_update(new, old)
    return [str(e) for e in KIND.validate_update(new, old)]


def test_what_cannot_change() -> None:
    other = plain(scope="Cluster", names={"plural": "foos", "kind": "Bar"})
    assert changed(plain(), other) == [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Bar": field is immutable',
    ]
    assert changed(plain(), other, established=False) == []


def test_stored_versions_must_stay() -> None:
    after = plain()
    after["spec"]["versions"][0]["name"] = "v2"
    assert changed(plain(), after) == [
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and '
        "must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from "
        "status.storedVersions"
    ]


def test_storage_version_is_remembered() -> None:
    old = made(plain())
    after = plain()
    version = after["spec"]["versions"][0]
    after["spec"]["versions"] = [{**version, "storage": False}, {**version, "name": "v2"}]
    new = codec.from_builtins(CustomResourceDefinition, after)[0]
    KIND.prepare_update(new, old)
    assert new.status.storedVersions == ["v1", "v2"]
    assert old.status.storedVersions == ["v1"]
    assert new.metadata.generation == 2


def test_faults_of_old_definitions_are_put_up_with() -> None:
    bad = with_schema(x={"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"})
    after = copy.deepcopy(bad)
    after["spec"]["names"]["shortNames"] = ["f"]
    assert errors(bad)
    assert changed(bad, after) == []


def test_warnings() -> None:
    given = with_schema(
        x={**STRING, "format": "mystery"},
        y={
            "type": "array",
            "x-kubernetes-list-type": "set",
            "items": {"type": "object", "x-kubernetes-map-type": "atomic"},
        },
    )
    obj = made(given)
    assert KIND.warnings(obj) == [
        'unrecognized format "mystery"',
        'x-kubernetes-list-type: set for items of type "object" is not supported by server-side apply or CEL validation rules',
    ]
    assert KIND.warn_update(obj, obj) == []
