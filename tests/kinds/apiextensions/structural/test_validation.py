"""Validation by schema: each rule with its words, alternatives, ratcheting."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kinds.apiextensions.structural.test_pruning import obj, props

from steersman.api.field import Path
from steersman.kinds.apiextensions.structural.validation import NOTHING, Validator


def errors(schema: Any, value: Any, old: Any = NOTHING) -> list[str]:
    return [str(e) for e in Validator(props(schema)).validate(value, old)]


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
MISTYPED = 'x: Invalid value: "{}": x in body must be of type {}: "{}"'


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (STRING, 5, MISTYPED.format("integer", "string", "integer")),
        (STRING, 5.5, MISTYPED.format("number", "string", "number")),
        (STRING, True, MISTYPED.format("boolean", "string", "boolean")),
        (STRING, None, MISTYPED.format("null", "string", "null")),
        (STRING, [], MISTYPED.format("array", "string", "array")),
        (STRING, {}, MISTYPED.format("object", "string", "object")),
        (INTEGER, "5", MISTYPED.format("string", "integer", "string")),
        (INTEGER, 1.0, ""),
        ({"type": "number"}, 1, ""),
        ({"type": "boolean"}, 1, MISTYPED.format("integer", "boolean", "integer")),
        ({"type": "string", "nullable": True}, None, ""),
        ({"x-kubernetes-int-or-string": True}, True, MISTYPED.format("boolean", "integer,string", "boolean")),
        ({"x-kubernetes-int-or-string": True}, "80%", ""),
        ({"x-kubernetes-preserve-unknown-fields": True}, [1], ""),
        ({**STRING, "maxLength": 2}, "abc", "x: Too long: may not be more than 2 bytes"),
        ({**STRING, "minLength": 4}, "abc", 'x: Invalid value: "abc": x in body should be at least 4 chars long'),
        ({**STRING, "pattern": "^a+$"}, "b", "x: Invalid value: \"b\": x in body should match '^a+$'"),
        ({**STRING, "pattern": "a"}, "bab", ""),
        ({**STRING, "enum": ["a", "b"]}, "c", 'x: Unsupported value: "c": supported values: "a", "b"'),
        ({**INTEGER, "enum": [1, 2]}, 3, 'x: Unsupported value: 3: supported values: "1", "2"'),
        ({**INTEGER, "enum": [1, 2]}, 2.0, ""),
        ({**INTEGER, "minimum": 3}, 2, "x: Invalid value: 2: x in body should be greater than or equal to 3"),
        (
            {**INTEGER, "minimum": 3, "exclusiveMinimum": True},
            3,
            "x: Invalid value: 3: x in body should be greater than 3",
        ),
        ({**INTEGER, "maximum": 3}, 4, "x: Invalid value: 4: x in body should be less than or equal to 3"),
        (
            {"type": "number", "maximum": 1.5, "exclusiveMaximum": True},
            1.5,
            "x: Invalid value: 1.5: x in body should be less than 1.5",
        ),
        ({**INTEGER, "multipleOf": 5}, 7, "x: Invalid value: 7: x in body should be a multiple of 5"),
        ({"type": "number", "multipleOf": 0.1}, 0.3, ""),
        (
            {"type": "number", "multipleOf": 0.1},
            1e308,
            "x: Invalid value: 1e308: x in body should be a multiple of 0.1",
        ),
        (
            {**INTEGER, "format": "int32"},
            2**31,
            '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x',
        ),
        ({**INTEGER, "format": "int64"}, 2**62, ""),
        ({"type": "array", "maxItems": 1}, [1, 2], "x: Too many: 2: must have at most 1 item"),
        ({"type": "array", "minItems": 1}, [], "x: Invalid value: 0: x in body should have at least 1 items"),
        ({"type": "object", "maxProperties": 0}, {"a": 1}, "x: Too many: 1: must have at most 0 items"),
        (
            {"type": "object", "minProperties": 1},
            {},
            "x: Invalid value: 0: x in body should have at least 1 properties",
        ),
        ({"type": "object", "required": ["a"]}, {}, "x.a: Required value"),
        (
            {"type": "array", "items": STRING},
            [1],
            'x[0]: Invalid value: "integer": x[0] in body must be of type string: "integer"',
        ),
        (
            {"type": "object", "additionalProperties": STRING},
            {"k": 1},
            'x.k: Invalid value: "integer": x.k in body must be of type string: "integer"',
        ),
        (
            {**STRING, "format": "date-time"},
            "yesterday",
            'x: Invalid value: "yesterday": x in body must be of type date-time: "yesterday"',
        ),
        (
            {**STRING, "format": "date-time"},
            5,
            'x: Invalid value: "int64": x in body must be of type date-time: "int64"',
        ),
        ({**STRING, "format": "never-heard-of"}, "any", ""),
    ],
)
def test_each_rule(schema: Any, value: Any, message: str) -> None:
    assert errors(obj(x=schema), {"x": value}) == ([message] if message else [])


def test_a_fraction_is_no_integer_in_two_ways() -> None:
    assert errors(obj(x=INTEGER), {"x": 1.5}) == [
        MISTYPED.format("number", "integer", "number"),
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in x',
    ]


@pytest.mark.parametrize(
    ("schema", "value", "messages"),
    [
        ({"not": {"enum": ["a"]}}, "a", ['<nil>: Invalid value: "": "x" must not validate the schema (not)']),
        ({"not": {"enum": ["a"]}}, "b", []),
        (
            {"anyOf": [{"enum": ["a"]}, {"minLength": 9}]},
            "b",
            [
                '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)',
                'x: Unsupported value: "b": supported values: "a"',
            ],
        ),
        ({"anyOf": [{"enum": ["a"]}, {"minLength": 1}]}, "b", []),
        (
            {"oneOf": [{"minLength": 1}, {"maxLength": 3}]},
            "b",
            ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
        ),
        (
            {"oneOf": [{"minLength": 5}, {"enum": ["a"]}]},
            "b",
            [
                '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid',
                'x: Invalid value: "b": x in body should be at least 5 chars long',
            ],
        ),
        (
            {"allOf": [{"minLength": 5}, {"maxLength": 9}]},
            "b",
            [
                'x: Invalid value: "b": x in body should be at least 5 chars long',
                '<nil>: Invalid value: "": "x" must validate all the schemas (allOf)',
            ],
        ),
        (
            {"allOf": [{"minLength": 5}]},
            "b",
            [
                'x: Invalid value: "b": x in body should be at least 5 chars long',
                '<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated',
            ],
        ),
    ],
)
def test_alternatives(schema: Any, value: Any, messages: list[str]) -> None:
    assert errors(obj(x={**STRING, **schema}), {"x": value}) == messages


LIST_MAP = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": obj(k=STRING, v={**INTEGER, "maximum": 5}),
}


@pytest.mark.parametrize(
    ("schema", "old", "new", "bad"),
    [
        (obj(a={**INTEGER, "maximum": 5}, b=STRING), {"a": 9, "b": "x"}, {"a": 9, "b": "y"}, []),
        (obj(a={**INTEGER, "maximum": 5}), {"a": 9}, {"a": 8}, ["a"]),
        (obj(a={**INTEGER, "maximum": 5}), {}, {"a": 9}, ["a"]),
        (obj(a=LIST_MAP), {"a": [{"k": "x", "v": 9}]}, {"a": [{"k": "y", "v": 1}, {"k": "x", "v": 9}]}, []),
        (obj(a=LIST_MAP), {"a": [{"k": "x", "v": 9}]}, {"a": [{"k": "y", "v": 9}]}, ["a[0].v"]),
        (obj(a={"type": "array", "items": {**INTEGER, "maximum": 5}}), {"a": [9]}, {"a": [9, 1]}, ["a[0]"]),
        (obj(a={"type": "array", "items": {**INTEGER, "maximum": 5}}, b=STRING), {"a": [9]}, {"a": [9], "b": "x"}, []),
        ({**obj(a=STRING), "required": ["a"]}, {"b": 1}, {"b": 1}, []),
        ({**obj(a=STRING), "required": ["a"]}, {"b": 1}, {"b": True}, ["a"]),
    ],
)
def test_what_has_not_changed_is_put_up_with(schema: Any, old: Any, new: Any, bad: list[str]) -> None:
    assert [e.field for e in Validator(props(schema)).validate(new, old)] == bad


def test_prefix() -> None:
    found = Validator(props(obj(a=STRING))).validate({"a": 1}, prefix=Path("status"))
    assert [str(e) for e in found] == [
        'status.a: Invalid value: "integer": a in body must be of type string: "integer"'
    ]
