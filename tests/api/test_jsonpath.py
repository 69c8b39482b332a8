"""JSONPath: what each form of a step leads to."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api.jsonpath import JSONPath, JSONPathError

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


@pytest.mark.parametrize("path", ["a", ".a[", ".a[x]", ".a[0:1:0]", ".a[?(@.b == x)]", ".a b"])
def test_malformed(path: str) -> None:
    with pytest.raises(JSONPathError):
        JSONPath(path)


def test_first() -> None:
    assert JSONPath(".items[*].n").first(VALUE) == 1
    assert JSONPath(".nothing").first(VALUE) is None
