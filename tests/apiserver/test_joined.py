"""Lists that are asked for again are joined once, until one of their objects changes."""

from __future__ import annotations

from steersman.apiserver.cached import Cached, describe_metadata, join_bodies
from steersman.apiserver.joined import SHORTEST, Joined


def version(number: int, revision: int = 1) -> Cached:
    value = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p%d"}}' % number
    return Cached(f"/registry/core/pods/a/p{number}", "a", f"p{number}", revision, value, describe_metadata)


class Joining:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self, items: list[Cached]) -> bytes:
        self.times += 1
        return join_bodies(items)


def listing() -> list[Cached]:
    return [version(n) for n in range(SHORTEST)]


def test_the_third_time_nothing_is_joined() -> None:
    join, joined, items = Joining(), Joined(), listing()
    answers = {joined.items(list(items), join) for _ in range(5)}
    assert answers == {join_bodies(items)}
    assert join.times == 2


def test_a_changed_object_is_told_at_once() -> None:
    join, joined, items = Joining(), Joined(), listing()
    for _ in range(3):
        joined.items(list(items), join)
    items[3] = version(3, revision=9)
    assert b'"resourceVersion":"9"' in joined.items(list(items), join)
    assert joined.items(list(items), join) == join_bodies(items)


def test_lists_that_begin_alike_are_kept_apart() -> None:
    joined, items = Joined(), listing()
    other = [*items[:-1], version(99)]
    for _ in range(3):
        assert joined.items(list(items)) == join_bodies(items)
        assert joined.items(other) == join_bodies(other)


def test_what_does_not_fit_is_not_kept() -> None:
    join, items = Joining(), listing()
    joined = Joined(limit=len(join_bodies(items)) - 1)
    for _ in range(4):
        joined.items(list(items), join)
    assert join.times == 4
