"""JSONPath: what each form of a step leads to."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api.jsonpath import MAX_VISITED, JSONPath, JSONPathError

VALUE = {
    "a": {"b": 1, "c.d": 2, "e": [10, 20, 30]},
    "items": [
        {"type": "Ready", "status": "True", "n": 1},
        {"type": "Bad", "status": "False", "n": 2},
    ],
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", [VALUE]),
        (".", [VALUE]),
        (".a.b", [1]),
        (".a['c.d']", [2]),
        (r".a.c\.d", [2]),
        ('.a["b"]', [1]),
        (".a.e[0]", [10]),
        (".a.e[-1]", [30]),
        (".a.e[7]", []),
        (".a.e[0:2]", [10, 20]),
        (".a.e[1:]", [20, 30]),
        (".a.e[::2]", [10, 30]),
        (".a.e[*]", [10, 20, 30]),
        (".a.e[0,2]", [10, 30]),
        (".a['b','c.d']", [1, 2]),
        (".items[*].type", ["Ready", "Bad"]),
        ('.items[?(@.type=="Ready")].status', ["True"]),
        (".items[?(@.type == 'Bad')].n", [2]),
        (".items[?(@.n > 1)].type", ["Bad"]),
        (".items[?(@.n<=1)].type", ["Ready"]),
        (".items[?(@.missing)].type", []),
        (".items[?(@.type)].n", [1, 2]),
        ("..type", ["Ready", "Bad"]),
        (".missing.deeper", []),
        (".none", [None]),
        (".a.b.c", []),
    ],
)
def test_find(path: str, found: list[Any]) -> None:
    assert JSONPath(path).find(VALUE) == found


@pytest.mark.parametrize(
    "path",
    [
        ".items[?(@.type =! 'Bad')]",
        ".a['b]",
        ".a[" + "9" * 5000 + "]",
        ".a[:" + "9" * 5000 + "]",
        ".a[?(@.b==" + "9" * 5000 + ")]",
        "." + "a" * 10_000,
        "[?(@" * 17 + ")]" * 17,
    ],
)
def test_malformed_in_other_ways(path: str) -> None:
    with pytest.raises(JSONPathError):
        JSONPath(path)


@pytest.mark.parametrize(
    "path",
    [
        ".a[?(@.b" + " " * 9_000 + "c)]",
        ".a['" + "\\'" * 4_900,
        "[" * 9_000,
        "[" + "'a'," * 2_000 + "]]",
        ".a" + "[0,0]" * 1_900 + "x",
    ],
)
def test_what_takes_long_to_refuse_takes_not_so_long(path: str) -> None:
    """Seconds, where anything but a single pass is made."""
    with pytest.raises(JSONPathError):
        JSONPath(path)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("[0,0]" * 60, nested(60)),
        (".." * 20 + "[7]", nested(200)),
        ("[*]" * 4 + ".x", [[[[0] * 20] * 20] * 20] * 20),
        ("[?(@[?(@[?(@.x)])])]", [[[0] * 100] * 100] * 100),
        (".." * 4_000, nested(5)),
    ],
)
def test_more_than_anybody_can_look_at(path: str, value: Any) -> None:
    compiled = JSONPath(path)
    assert len(compiled.find(value)) <= MAX_VISITED
    compiled.first(value)


def test_the_first_of_many() -> None:
    assert JSONPath("[*].a").first([{"a": 1}] * MAX_VISITED) == 1
    assert JSONPath("[*].b").first([{"a": 1}] * MAX_VISITED) is None


@pytest.mark.parametrize("path", ["a", ".a[", ".a[x]", ".a[0:1:0]", ".a[?(@.b == x)]", ".a b"])
def test_malformed(path: str) -> None:
    with pytest.raises(JSONPathError):
        JSONPath(path)


def test_first() -> None:
    assert JSONPath(".items[*].n").first(VALUE) == 1
    assert JSONPath(".nothing").first(VALUE) is None
