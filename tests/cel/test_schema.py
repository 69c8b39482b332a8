"""Types from schemas: names of fields, formats, lists that are sets or maps, nulls, sizes."""

from typing import Any

import pytest

from steersman import cel

STRING: dict[str, Any] = {"type": "string"}


def env_of(**properties: Any) -> cel.Env:
    found = cel.schema_type({"type": "object", "properties": properties}, root=True)
    assert found is not None
    return cel.Env({"self": found, "oldSelf": found, "oldOptional": cel.optional_of(found)})


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("plain", "plain"),
        ("x-y", "x__dash__y"),
        ("a.b/c", "a__dot__b__slash__c"),
        ("a__b", "a__underscores__b"),
        ("namespace", "__namespace__"),
        ("true", "__true__"),
        ("1a", None),
        ("a b", None),
        ("", None),
        ("é", None),
    ],
)
def test_names_of_fields(name: str, escaped: str | None) -> None:
    assert cel.escape(name) == escaped


@pytest.mark.parametrize(
    ("schema", "type_name"),
    [
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "double"),
        ({"type": "boolean"}, "bool"),
        (STRING, "string"),
        ({"type": "string", "format": "byte"}, "bytes"),
        ({"type": "string", "format": "date"}, "timestamp"),
        ({"type": "string", "format": "duration"}, "duration"),
        ({"type": "array", "items": STRING}, "list(string)"),
        (
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
            "map(string, list(int))",
        ),
        ({"x-kubernetes-int-or-string": True}, "dyn"),
        ({"type": "object"}, "selfType"),
        ({"type": "array"}, None),
        ({"x-kubernetes-preserve-unknown-fields": True}, None),
        ({"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": True}}, None),
    ],
)
def test_types(schema: dict[str, Any], type_name: str | None) -> None:
    found = cel.schema_type(schema)
    assert (None if found is None else str(found)) == type_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("self.replicas + 1", 4),
        ("self.x__dash__y", "dash"),
        ("self.__namespace__ + self.namespace", "nsns"),
        ("self.ratio / 2.0", 0.5),
        ("type(self.ratio) == double && type(self.ratios[0]) == double", True),
        ("self.at.getFullYear() + self.times[0].getMonth()", 2025),
        ("self.day == timestamp('2024-05-01T00:00:00Z')", True),
        ("self.wait < duration('2h') && self.blob == b'AB'", True),
        ("self.kind + self.metadata.name", "Widgetw"),
        ("has(self.nothing) || has(self.absent)", False),
        ("self.set == ['b', 'a'] && self.set + ['a', 'c'] == ['c', 'b', 'a']", True),
        ("self.keyed == [self.keyed[1], self.keyed[0]] && [self.keyed[1], self.keyed[0]] != self.keyed", True),
        ("(self.keyed + [self.keyed[1]]).map(e, e.v)", ["1", "2"]),
        ("type(self.either) == int && self.either == 5", True),
        ("self.maps['m']['d'] == duration('1s')", True),
        ("self.items.all(e, e.when.getFullYear() == 2024)", True),
        ("self == oldSelf", True),
        ("oldOptional.hasValue()", False),
        ("oldOptional.optMap(o, o.replicas).orValue(0)", 0),
    ],
)
def test_data_becomes_values(text: str, expected: object) -> None:
    data = {
        "kind": "Widget",
        "metadata": {"name": "w"},
        "replicas": 3,
        "x-y": "dash",
        "namespace": "ns",
        "ratio": 1,
        "ratios": [1, 2.5],
        "at": "2024-05-01T10:00:00Z",
        "times": ["2024-02-01T10:00:00+02:00"],
        "day": "2024-05-01",
        "wait": "1h",
        "blob": "QUI=",
        "nothing": None,
        "set": ["a", "b"],
        "keyed": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}],
        "either": 5,
        "maps": {"m": {"d": "1s"}},
        "items": [{"when": "2024-01-01"}],
    }
    date = {"type": "string", "format": "date-time"}
    env = env_of(
        replicas={"type": "integer"},
        namespace=STRING,
        ratio={"type": "number"},
        ratios={"type": "array", "items": {"type": "number"}},
        at=date,
        times={"type": "array", "items": date},
        day={"type": "string", "format": "date"},
        wait={"type": "string", "format": "duration"},
        blob={"type": "string", "format": "byte"},
        nothing=STRING | {"nullable": True},
        absent=STRING,
        set={"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
        keyed={
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": STRING, "v": STRING}},
        },
        either={"x-kubernetes-int-or-string": True},
        maps={
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {"type": "string", "format": "duration"},
            },
        },
        items={
            "type": "array",
            "items": {"type": "object", "properties": {"when": {"type": "string", "format": "date"}}},
        },
        **{"x-y": STRING},
    )
    before = repr(data)
    assert env.compile(text).evaluate({"self": data, "oldSelf": data, "oldOptional": cel.NONE}) == expected
    assert repr(data) == before


def test_items_of_equal_keys_are_replaced() -> None:
    item = {"type": "object", "properties": {"k": STRING, "v": STRING}}
    env = env_of(
        keyed={"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": item}
    )
    values = {
        "self": {"keyed": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}]},
        "oldSelf": {"keyed": [{"k": "c", "v": "4"}, {"k": "b", "v": "3"}]},
    }
    program = env.compile("(self.keyed + oldSelf.keyed).map(e, e.k + e.v)")
    assert program.evaluate(values) == ["a1", "b3", "c4"]


def test_a_null_field_is_an_absent_one() -> None:
    program = env_of(a=STRING).compile("self.a == 'x'")
    with pytest.raises(cel.EvalError, match="no such key: a"):
        program.evaluate({"self": {"a": None}})


def test_a_field_nobody_declared() -> None:
    with pytest.raises(cel.CompileError, match=r"1:5: undefined field 'nosuch'"):
        env_of(a=STRING).compile("self.nosuch")


def test_a_text_that_does_not_have_its_format_fails_where_it_is_used() -> None:
    env = env_of(at={"type": "string", "format": "date-time"})
    assert env.compile("has(self.at)").evaluate({"self": {"at": "soon"}}) is True
    with pytest.raises(cel.EvalError):
        env.compile("self.at.getFullYear() == 1").evaluate({"self": {"at": "soon"}})


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        ({"type": "boolean"}, 3145728 // 5),
        (STRING, 3145728 // 3),
        ({"type": "object", "required": ["a"], "properties": {"a": STRING, "b": STRING}}, 3145728 // 10),
    ],
)
def test_how_many_a_request_can_hold(schema: dict[str, Any], count: int) -> None:
    assert cel.max_cardinality(schema) == count
