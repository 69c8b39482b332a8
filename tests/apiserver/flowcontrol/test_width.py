"""Seats of lists and watches."""

from __future__ import annotations

import pytest

from steersman.apiserver.flowcontrol import width
from steersman.apiserver.requestinfo import Query


@pytest.mark.parametrize(
    ("objects", "query", "expected"),
    [
        (0, "", 1),
        (100, "", 1),
        (101, "", 2),
        (5000, "", 10),
        (5000, "limit=500", 5),
        (5000, "limit=500&labelSelector=a", 10),
        (300, "limit=500", 3),
        (5000, "limit=x", 10),
        (5000, "limit=%C2%B2", 10),
        (5000, f"limit={'1' * 5000}", 10),
        (5000, "limit=0", 10),
        (5000, "fieldSelector=metadata.name%3Da", 1),
        (5000, "fieldSelector=spec.nodeName%3Da", 10),
    ],
)
def test_lists(objects: int, query: str, expected: int) -> None:
    assert width.listing(objects, Query(query), 10) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("watch=1", 5),
        ("watch=1&resourceVersion=0", 5),
        ("watch=1&resourceVersion=7", 1),
        ("watch=1&resourceVersion=7&sendInitialEvents=true", 5),
        ("watch=1&resourceVersion=7&sendInitialEvents=false", 1),
    ],
)
def test_watches(query: str, expected: int) -> None:
    assert width.watching(5000, Query(query), 5) == expected
