"""JSON patch and merge patch: the RFCs' examples, error texts, and that inputs stay as they were."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api.errors import BadRequest, Invalid, RequestEntityTooLarge
from steersman.api.patch import MAX_OPERATIONS, copy_json, equal_json, json_patch, merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "want"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(document: Any, patch: Any, want: Any) -> None:
    assert merge_patch(document, patch) == want


def test_a_merge_patch_must_be_an_object() -> None:
    with pytest.raises(BadRequest, match="cannot unmarshal array"):
        merge_patch({}, [])


def _op(op: str, path: str, value: Any = ..., **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **({} if value is ... else {"value": value}), **more}


@pytest.mark.parametrize(
    ("document", "operations", "want"),
    [
        ({"foo": "bar"}, [_op("add", "/baz", "qux")], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [_op("add", "/foo/1", "qux")], {"foo": ["bar", "qux", "baz"]}),
        ({"foo": [1]}, [_op("add", "/foo/-", 2)], {"foo": [1, 2]}),
        ({"foo": [1]}, [_op("add", "/foo/1", 2)], {"foo": [1, 2]}),
        ({"foo": [1]}, [_op("add", "/foo/-1", 2)], {"foo": [1, 2]}),
        ({"foo": [1, 2]}, [_op("replace", "/foo/-1", 3)], {"foo": [1, 3]}),
        ({"a": 1}, [_op("add", "", {"b": 2})], {"b": 2}),
        ({"a": 1, "b": 2}, [_op("remove", "/a")], {"b": 2}),
        ({"a": [1, 2, 3]}, [_op("remove", "/a/1")], {"a": [1, 3]}),
        ({"a": 1}, [_op("replace", "/a", {"x": None})], {"a": {"x": None}}),
        ({"a": {"b": 1}, "c": {}}, [_op("move", "/c/d", **{"from": "/a/b"})], {"a": {}, "c": {"d": 1}}),
        ({"a": ["x", "y", "z"]}, [_op("move", "/a/2", **{"from": "/a/0"})], {"a": ["y", "z", "x"]}),
        (
            {"a": {"b": 1}},
            [_op("copy", "/c", **{"from": "/a"}), _op("add", "/c/d", 2)],
            {"a": {"b": 1}, "c": {"b": 1, "d": 2}},
        ),
        ({"a": {"b": [1, {"c": "x"}]}}, [_op("test", "/a/b/1", {"c": "x"})], {"a": {"b": [1, {"c": "x"}]}}),
        ({}, [_op("test", "/missing", None)], {}),
        ({"a/b": 1, "m~n": 2}, [_op("remove", "/a~1b"), _op("replace", "/m~0n", 3)], {"m~n": 3}),
        ({"a": 1}, [_op("test", "", {"a": 1})], {"a": 1}),
        ({"": 1}, [_op("replace", "/", 2)], {"": 2}),
        ({"a": {}}, [_op("replace", "/a/b", 2)], {"a": {"b": 2}}),
    ],
)
def test_json_patch(document: Any, operations: list[Any], want: Any) -> None:
    before = copy.deepcopy((document, operations))
    assert json_patch(document, operations) == want
    assert (document, operations) == before


@pytest.mark.parametrize(
    ("document", "operation", "message"),
    [
        ({"a": 1}, _op("test", "/a", 2), "testing value /a failed: test failed"),
        ({"a": 1}, _op("test", "/a", True), "testing value /a failed: test failed"),
        ({"a": 1}, _op("test", "/b/c", 2), "test operation does not apply: is missing path: /b/c: missing value"),
        ({"a": [1]}, _op("test", "/a/7", 2), "error in test for path: '/a/7': Unable to access invalid index: 7: invalid index referenced"),
        ({}, _op("add", "/a/b", 1), 'add operation does not apply: doc is missing path: "/a/b": missing value'),
        ({}, _op("add", "a", 1), 'add operation does not apply: doc is missing path: "a": missing value'),
        ({"a": 1}, _op("add", "/a/b", 1), 'add operation does not apply: doc is missing path: "/a/b": missing value'),
        ({"a": []}, _op("add", "/a/x", 1), "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax"),
        ({"a": []}, _op("add", "/a/1", 1), "error in add for path: '/a/1': Unable to access invalid index: 1: invalid index referenced"),
        ({}, _op("remove", "/a"), "error in remove for path: '/a': unable to remove nonexistent key: a: missing value"),
        ({}, _op("remove", "/a/b"), 'remove operation does not apply: doc is missing path: "/a/b": missing value'),
        ({"a": []}, _op("remove", "/a/0"), "error in remove for path: '/a/0': Unable to access invalid index: 0: invalid index referenced"),
        ({"a": []}, _op("replace", "/a/0", 1), "replace operation does not apply: doc is missing key: /a/0: missing value"),
        ({}, _op("replace", "/a/b", 1), "replace operation does not apply: doc is missing path: /a/b: missing value"),
        ({}, _op("replace", "", 1), "replace operation value must be object or array"),
        ({}, _op("move", "/a", **{"from": "/b"}), "error in move for path: 'b': unable to get nonexistent key: b: missing value"),
        ({}, _op("move", "/a", **{"from": ""}), "unable to move entire document to another path: invalid state detected"),
        ({}, _op("copy", "/a"), "copy operation failed to decode from: missing value"),
        ({}, {"op": "add"}, "add operation failed to decode path: missing value"),
        ({}, _op("frob", "/a"), "Unexpected kind: frob"),
        ({}, {"path": "/a"}, "Unexpected kind: unknown"),
    ],
)  # fmt: skip
def test_json_patch_errors(document: Any, operation: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        json_patch(document, [operation])
    assert caught.value.message == f"the server rejected our request due to an error in our request: {message}"


def test_malformed_json_patches() -> None:
    with pytest.raises(BadRequest, match=r"cannot unmarshal object into Go value of type jsonpatch\.Patch"):
        json_patch({}, {})
    with pytest.raises(BadRequest, match=r"cannot unmarshal string into Go value of type jsonpatch\.Operation"):
        json_patch({}, ["x"])
    with pytest.raises(RequestEntityTooLarge, match="allowed maximum operations in a JSON patch is 10000, got 10001"):
        json_patch({}, [_op("test", "", {})] * (MAX_OPERATIONS + 1))


def test_copies_of_copies_are_bounded() -> None:
    # Each doubles the document: thirty of them would take gigabytes.
    operations = [_op("copy", f"/c{n}", **{"from": ""}) for n in range(30)]
    with pytest.raises(Invalid, match=r"accumulated size increase of copy is \d+, exceeding the limit 3145728"):
        json_patch({"a": "x" * 1000}, operations)


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text("ab", max_size=1), values, max_size=3)


@given(objects, objects)
def test_merge_patch_is_idempotent_and_changes_no_input(document: Any, patch: Any) -> None:
    before = copy.deepcopy((document, patch))
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once
    assert (document, patch) == before


@given(objects, values)
def test_copies_are_equal_and_separate(document: Any, value: Any) -> None:
    assert equal_json(copy_json(document), document)
    patched = json_patch(document, [_op("add", "/a", value), _op("test", "/a", value)])
    assert equal_json(patched["a"], value)
    assert json_patch(patched, [_op("remove", "/a")]) == {k: v for k, v in document.items() if k != "a"}
